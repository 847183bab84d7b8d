//! Content encodings, and JSON.

use actix_web::HttpRequest;
use actix_web::http::header::{AcceptEncoding, ContentEncoding, Encoding, Header, Preference, Quality};
use serde::Serialize;

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
