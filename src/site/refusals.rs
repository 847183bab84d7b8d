//! What any route may answer, added to the OpenAPI document: no route repeats it.

use utoipa::openapi::path::Operation;
use utoipa::openapi::{OpenApi, RefOr};

/// Statuses, why they are answered, and whether only to requests with a body.
const COMMON: [(&str, &str, bool); 4] = [
    ("413", "The body is too large", true),
    ("415", "The content type of the body is not supported", true),
    ("429", "Too many requests; see `Retry-After`", false),
    ("503", "Temporarily unavailable; see `Retry-After`", false),
];

/// Adds them to all routes that do not say more about them, in the form of the route's other refusals.
pub(super) fn add_common(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
        operations.into_iter().flatten().for_each(add_to);
    }
}

fn add_to(operation: &mut Operation) {
    let has_body = operation.request_body.is_some();
    let responses = &mut operation.responses.responses;
    // Every route has one of them.
    let Some(RefOr::T(mut refusal)) = responses.get("401").or_else(|| responses.get("400")).cloned() else { return };
    for content in refusal.content.values_mut() {
        if let RefOr::T(content) = content {
            content.example = None;
        }
    }
    for (status, description, needs_body) in COMMON {
        if has_body || !needs_body {
            refusal.description = description.to_owned();
            responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(refusal.clone()));
        }
    }
}
