//! `/uploads/…`: uploaded files, without a token, under names that cannot be guessed.
//!
//! Nothing served from here can run in the page's origin: the type is fixed by the checked content, sniffing
//! is off, the sandbox is empty, and all but pictures are offered for saving only.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentRange, ContentRangeSpec, EntityTag};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt;
use object_store::GetRange;

use crate::domain::{Error, Result};
use crate::edge::{Context, is_known};
use crate::service::UploadPath;

/// A file goes when its message is deleted, so caches ask before they reuse it.
const CACHE_CONTROL: &str = "private, no-cache";
const SANDBOX: &str = "default-src 'none'; sandbox";

pub(super) async fn download(
    request: HttpRequest,
    path: web::Path<String>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let path = UploadPath::parse(&path).ok_or(Error::NotFound)?;
    // A stored file never changes, so its name is its version.
    let etag = EntityTag::new_strong(path.to_string());
    let is_known = is_known(&request, &etag);
    let has_other_version = header_text(&request, header::IF_RANGE).is_some_and(|version| version != etag.to_string());
    let range = header_text(&request, header::RANGE).filter(|_| !has_other_version).and_then(parse_range);
    let Some(file) = context.services.uploads.open_file(&path, range.clone()).await? else {
        let size = context.services.uploads.open_file(&path, None).await?.map(|file| file.size);
        let unsatisfied = ContentRange(ContentRangeSpec::Bytes { range: None, instance_length: size });
        return Ok(HttpResponse::build(StatusCode::RANGE_NOT_SATISFIABLE).insert_header(unsatisfied).finish());
    };
    let mut response = HttpResponse::build(match (is_known, &range) {
        (true, _) => StatusCode::NOT_MODIFIED,
        (false, Some(_)) => StatusCode::PARTIAL_CONTENT,
        (false, None) => StatusCode::OK,
    });
    response
        .insert_header((header::ETAG, etag))
        .insert_header((header::CACHE_CONTROL, CACHE_CONTROL))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, SANDBOX))
        .insert_header(("cross-origin-resource-policy", "cross-origin"));
    if is_known {
        return Ok(response.finish());
    }
    response.insert_header((header::CONTENT_TYPE, file.kind.media_type()));
    if !file.kind.is_image() {
        response.insert_header((header::CONTENT_DISPOSITION, "attachment"));
    }
    if range.is_some() {
        let last = file.range.end.saturating_sub(1);
        response.insert_header(ContentRange(ContentRangeSpec::Bytes {
            range: Some((file.range.start, last)),
            instance_length: Some(file.size),
        }));
    }
    let length = file.range.end - file.range.start;
    let body = file.body.map(|chunk| chunk.map_err(std::io::Error::other));
    Ok(response.body(actix_web::body::SizedStream::new(length, body)))
}

fn header_text(request: &HttpRequest, name: header::HeaderName) -> Option<&str> {
    request.headers().get(name)?.to_str().ok()
}

/// The one range of a `Range` header. Several ranges, other units and nonsense are ignored, as RFC 9110
/// allows: the whole file follows.
fn parse_range(value: &str) -> Option<GetRange> {
    let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
    match (first.trim(), last.trim()) {
        // The last 0 bytes are none: asked for as a part that begins behind every end.
        ("", "0") => Some(GetRange::Offset(u64::MAX)),
        ("", suffix) => Some(GetRange::Suffix(suffix.parse().ok()?)),
        (first, "") => Some(GetRange::Offset(first.parse().ok()?)),
        (first, last) => {
            let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
            (first <= last).then(|| GetRange::Bounded(first..last.saturating_add(1)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_understood_and_others_are_ignored() {
        assert_eq!(parse_range("bytes=0-3"), Some(GetRange::Bounded(0..4)));
        assert_eq!(parse_range("bytes=5-"), Some(GetRange::Offset(5)));
        assert_eq!(parse_range("bytes=-5"), Some(GetRange::Suffix(5)));
        for odd in ["bytes=3-1", "bytes=0-1,3-4", "items=0-1", "bytes=a-b", "bytes="] {
            assert_eq!(parse_range(odd), None, "{odd}");
        }
    }
}
