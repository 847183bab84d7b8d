//! The methods of each route, for `Allow`.

use std::collections::HashMap;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;
use utoipa::openapi::OpenApi;

/// Routes outside the OpenAPI document are pages, files and WebSockets.
const READ_ONLY: &str = "GET, HEAD";

/// The methods of the routes in the OpenAPI document, by pattern. A test compares the document with the router.
pub struct AllowedMethods(HashMap<String, HeaderValue>);

impl AllowedMethods {
    /// Reads them from the document.
    pub fn of(document: &OpenApi) -> Self {
        let methods = document.paths.paths.iter().map(|(pattern, item)| {
            let methods = [
                (item.get.is_some(), READ_ONLY),
                (item.post.is_some(), "POST"),
                (item.put.is_some(), "PUT"),
                (item.patch.is_some(), "PATCH"),
                (item.delete.is_some(), "DELETE"),
            ];
            let methods: Vec<&str> = methods.iter().filter(|(has, _)| *has).map(|(_, method)| *method).collect();
            let value = HeaderValue::from_maybe_shared(methods.join(", ")).expect("names of methods");
            (pattern.clone(), value)
        });
        Self(methods.collect())
    }

    /// The value of `Allow` for the route of a request.
    pub(super) fn on(&self, request: &HttpRequest) -> HeaderValue {
        let methods = request.match_pattern().and_then(|pattern| self.0.get(&pattern).cloned());
        methods.unwrap_or(HeaderValue::from_static(READ_ONLY))
    }
}
