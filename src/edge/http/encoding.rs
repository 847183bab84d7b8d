//! Content encodings, and compression of long JSON.

use std::io::Write;

use actix_web::http::header::{self, AcceptEncoding, ContentEncoding, Encoding, Header, Preference, Quality};
use actix_web::{HttpRequest, HttpResponse, web};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use crate::domain::{Error, Result};

/// Shorter responses fit into the first packets of a connection uncompressed.
const LEAST_COMPRESSED_BYTES: usize = 8 * 1024;

/// A list with more entries is printed elsewhere.
const MAX_SHORT: usize = 20;

/// Whether the client accepts an encoding.
pub fn accepts(request: &HttpRequest, encoding: ContentEncoding) -> bool {
    let wanted = Preference::Specific(Encoding::Known(encoding));
    AcceptEncoding::parse(request)
        .is_ok_and(|accepted| accepted.iter().any(|it| it.item == wanted && it.quality != Quality::ZERO))
}

/// Prints a value as JSON.
pub fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("wire types have string keys and no failing parts")
}

/// A JSON list of `items`, each printed by `print`: compressed if it is long and the client accepts gzip, because lists repeat
/// their keys and shrink to a tenth. A long one is printed and compressed on a thread for such work.
pub async fn long_json<T: Send + 'static>(
    request: &HttpRequest,
    items: Vec<T>,
    print: impl Fn(T) -> String + Send + 'static,
) -> Result<HttpResponse> {
    let mut response = HttpResponse::Ok();
    response.content_type("application/json").insert_header((header::VARY, "Accept-Encoding"));
    let is_short = items.len() <= MAX_SHORT;
    let is_gzip_accepted = accepts(request, ContentEncoding::Gzip);
    let body = move || {
        let text = format!("[{}]", items.into_iter().map(print).collect::<Vec<_>>().join(","));
        match text.len() >= LEAST_COMPRESSED_BYTES && is_gzip_accepted {
            true => gzip(text.as_bytes()).map(|bytes| (true, bytes)),
            false => Ok((false, text.into_bytes())),
        }
    };
    let (is_compressed, body) = match is_short {
        true => body(),
        false => web::block(body).await.map_err(Error::internal)?,
    }
    .map_err(Error::internal)?;
    if is_compressed {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
    }
    Ok(response.body(body))
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{self, ContentEncoding};
    use actix_web::test::TestRequest;

    use super::accepts;

    #[test]
    fn encodings_are_taken_as_the_client_weighs_them() {
        let accepts = |value: &str, encoding| {
            accepts(&TestRequest::default().insert_header((header::ACCEPT_ENCODING, value)).to_http_request(), encoding)
        };
        assert!(accepts("gzip, deflate, br", ContentEncoding::Brotli));
        assert!(accepts("BR;q=0.5", ContentEncoding::Brotli));
        assert!(!accepts("gzip, br;q=0", ContentEncoding::Brotli));
        assert!(!accepts("", ContentEncoding::Gzip));
        assert!(!accepts("x-gzip-like", ContentEncoding::Gzip));
    }
}
