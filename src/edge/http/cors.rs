//! Which web pages may call the server: see [`AllowedOrigins`]. Without credentials, because tokens are sent in headers.

use actix_cors::Cors;
use actix_web::http::header;

use super::allowed_origins::AllowedOrigins;

/// The CORS middleware.
pub fn cors(allowed: &AllowedOrigins) -> Cors {
    let allowed = allowed.clone();
    Cors::default()
        .allowed_origin_fn(move |origin, _| origin.to_str().is_ok_and(|origin| allowed.has(origin)))
        .allowed_methods(["GET", "POST", "PUT", "PATCH", "DELETE"])
        .allow_any_header()
        .expose_headers([
            header::ETAG.as_str(),
            header::RETRY_AFTER.as_str(),
            "x-next-cursor",
            "x-partial",
            "x-request-id",
        ])
        .max_age(3600)
}
