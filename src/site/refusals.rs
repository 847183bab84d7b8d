//! Errors that any route may answer, added to the OpenAPI document, so that no route repeats them.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Header, OpenApi, RefOr, Response};

/// Which requests are answered with a status.
#[derive(Clone, Copy)]
enum To {
    Any,
    /// Those with a body.
    Bodies,
    /// Those that change something.
    Changes,
}

/// Statuses, why they are answered, and to what.
const COMMON: [(&str, &str, To); 6] = [
    ("413", "The body is too large", To::Bodies),
    ("415", "The content type of the body is not supported", To::Bodies),
    ("429", "Too many requests; see `Retry-After`", To::Any),
    ("500", "A defect of the server", To::Any),
    ("503", "Temporarily unavailable; see `Retry-After`", To::Any),
    ("507", "The server has no space left", To::Changes),
];

/// Adds them to all routes that do not describe them, in the form of the route's other errors.
pub(super) fn add_common(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        item.get.iter_mut().for_each(|operation| add_to(operation, false));
        let changes = [&mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
        changes.into_iter().flatten().for_each(|operation| add_to(operation, true));
    }
}

fn add_to(operation: &mut Operation, changes: bool) {
    let has_body = operation.request_body.is_some();
    let responses = &mut operation.responses.responses;
    // Every route has one of them.
    let Some(RefOr::T(mut refusal)) = responses.get("401").or_else(|| responses.get("400")).cloned() else { return };
    for content in refusal.content.values_mut() {
        if let RefOr::T(content) = content {
            content.example = None;
        }
    }
    for (status, description, to) in COMMON {
        let applies = match to {
            To::Any => true,
            To::Bodies => has_body,
            To::Changes => changes,
        };
        if applies {
            refusal.description = description.to_owned();
            responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(refusal.clone()));
        }
    }
    for (status, response) in responses {
        if let RefOr::T(response) = response {
            add_header(status, response);
        }
    }
}

/// Adds the header that comes with a status, whatever the route.
fn add_header(status: &str, response: &mut Response) {
    let (name, header) = match status {
        "401" => ("WWW-Authenticate", header(Type::String, "`Bearer`")),
        "429" | "503" => ("Retry-After", header(Type::Integer, "Seconds to wait before the next try")),
        _ => return,
    };
    response.headers.insert(name.to_owned(), header.into());
}

fn header(of: Type, description: &str) -> Header {
    HeaderBuilder::new().schema(Some(ObjectBuilder::new().schema_type(of))).description(Some(description)).build()
}
