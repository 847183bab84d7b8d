//! The web client: built from `web/`, embedded in the binary, served by every node.
//!
//! The names of files under `/assets/` contain a hash of their content, so that they are cached forever; pages, the
//! service worker and the manifest are revalidated. The files were compressed at build time.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentEncoding, EntityTag, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use rust_embed::{Embed, EmbeddedFile};

use crate::domain::{Error, Result, hex};
use crate::edge::{accepts, is_known};

/// The output of `npm run build` in `web/dist`; empty in a build without Node.
#[derive(Embed)]
#[folder = "web/dist/"]
struct Client;

const CLIENT: &str = "index.html";
const DASHBOARD: &str = "dashboard.html";
const ADMIN: &str = "admin.html";
const SOCKETS: &str = "sockets.html";
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const ASK_FIRST: &str = "no-cache";
/// Scripts, styles and connections are limited to this server. Images may come from anywhere, as document 000 requires,
/// and so may audio and video.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' https: http: data: blob:; media-src 'self' https: http:; connect-src 'self'; \
    manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const NOT_BUILT: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Chinwag</title>\
    <h1>Chinwag runs, without its web client</h1><p>This binary was built without it. Install Node.js 20 or newer \
    (20.19 at least), then run <code>scripts/build</code>; or <code>npm ci &amp;&amp; npm run build</code> in \
    <code>web/</code> and <code>cargo build --release</code>.</p>\
    <p>The APIs are all here: <a href=/docs/>documentation</a>.</p></html>";

/// Serves any page of the client, which routes by the address itself.
pub(super) async fn page(request: HttpRequest) -> HttpResponse {
    show(&request, CLIENT)
}

/// Serves the client at an address that has no page, which it says.
pub(super) fn missing(request: &HttpRequest) -> HttpResponse {
    let mut response = show(request, CLIENT);
    *response.status_mut() = StatusCode::NOT_FOUND;
    let headers = response.headers_mut();
    headers.remove(header::ETAG);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Serves the dashboard.
pub(super) async fn dashboard(request: HttpRequest) -> HttpResponse {
    show(&request, DASHBOARD)
}

/// Serves the pages of administrators.
pub(super) async fn admin(request: HttpRequest) -> HttpResponse {
    show(&request, ADMIN)
}

/// Serves the page to try the WebSockets by hand.
pub(super) async fn sockets(request: HttpRequest) -> HttpResponse {
    show(&request, SOCKETS)
}

fn show(request: &HttpRequest, page: &str) -> HttpResponse {
    let Some(found) = choose(page, request) else {
        return HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .content_type(HTML)
            .body(NOT_BUILT);
    };
    answer(request, found, ASK_FIRST)
}

/// Serves a file that a page refers to.
pub(super) async fn asset(request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse> {
    let found = choose(&format!("assets/{name}"), &request).ok_or(Error::NotFound)?;
    Ok(answer(&request, found, FOR_EVER))
}

/// Serves a file that keeps its name from one version to the next: the service worker, or the manifest of the app.
/// Service workers unregister once their file does not exist.
pub(super) async fn named(request: HttpRequest) -> Result<HttpResponse> {
    let found = choose(request.path().trim_start_matches('/'), &request).ok_or(Error::NotFound)?;
    Ok(answer(&request, found, ASK_FIRST))
}

const HTML: &str = "text/html; charset=utf-8";

struct Found {
    file: EmbeddedFile,
    media_type: &'static str,
    encoding: Option<ContentEncoding>,
}

/// Chooses the smallest encoding of a file that the client accepts.
fn choose(path: &str, request: &HttpRequest) -> Option<Found> {
    let media_type = match path.rsplit_once('.')?.1 {
        "html" => HTML,
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webmanifest" => "application/manifest+json",
        _ => return None, // compressed files are not served by their own names
    };
    for (encoding, suffix) in [(ContentEncoding::Brotli, ".br"), (ContentEncoding::Gzip, ".gz")] {
        let compressed = accepts(request, encoding).then(|| Client::get(&format!("{path}{suffix}"))).flatten();
        if let Some(file) = compressed {
            return Some(Found { file, media_type, encoding: Some(encoding) });
        }
    }
    Client::get(path).map(|file| Found { file, media_type, encoding: None })
}

fn answer(request: &HttpRequest, found: Found, caching: &str) -> HttpResponse {
    let etag = EntityTag::new_strong(hex(&found.file.metadata.sha256_hash()[..16]));
    let is_known = is_known(request, &etag);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, etag))
        .insert_header((header::CACHE_CONTROL, caching))
        .insert_header((header::VARY, "Accept-Encoding"));
    if is_known {
        return response.finish();
    }
    response
        .content_type(found.media_type)
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::PERMISSIONS_POLICY, "camera=(), microphone=(), geolocation=()"))
        .insert_header(("cross-origin-opener-policy", "same-origin"));
    if let Some(encoding) = found.encoding {
        response.insert_header(encoding);
    }
    response.body(found.file.data.into_owned())
}

#[cfg(test)]
mod tests {
    use super::POLICY;

    #[test]
    fn what_is_looked_at_or_listened_to_may_come_from_anywhere_and_nothing_else() {
        for directive in POLICY.split("; ") {
            let is_foreign = directive.contains("http");
            assert_eq!(
                is_foreign,
                directive.starts_with("img-src ") || directive.starts_with("media-src "),
                "{directive}"
            );
        }
        assert!(POLICY.contains("; media-src 'self' "));
    }
}
