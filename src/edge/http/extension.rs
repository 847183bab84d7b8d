//! `?ext=1`: how a client asks for more than its document has.

use actix_web::HttpRequest;

/// Whether the query asks for what Chinwag adds to the document.
pub fn is_extended(request: &HttpRequest) -> bool {
    let query = url::form_urlencoded::parse(request.query_string().as_bytes());
    query.into_iter().any(|(key, value)| key == "ext" && value == "1")
}
