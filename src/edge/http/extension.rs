//! The query `ext=1`, with which a client requests the extensions of its document.

use actix_web::HttpRequest;

/// Whether a request enables the extensions.
pub fn is_extended(request: &HttpRequest) -> bool {
    let query = url::form_urlencoded::parse(request.query_string().as_bytes());
    query.into_iter().any(|(key, value)| key == "ext" && value == "1")
}
