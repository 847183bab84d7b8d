//! What HTTP requires of every response, whatever the dialect: HEAD, encodings of bodies, sniffing, caches.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpMessage, HttpRequest};
use bytes::Bytes;

use super::body::{drain, patient};
use crate::domain::{CountsAs, Error};

/// For responses without a rule of their own: they may contain what only the caller may see, or a token.
const NOT_STORED: &str = "private, no-store";
const NO_SNIFFING: &str = "nosniff";

/// Marks a HEAD request, which the router sees as GET.
struct Head;

/// Whether a request is HEAD. Handlers then leave out effects that only the body of the response justifies.
pub fn is_head(request: &HttpRequest) -> bool {
    request.extensions().contains::<Head>()
}

/// How the messages of a response count: without its body the caller gets none.
pub fn counts_as(request: &HttpRequest) -> CountsAs {
    if is_head(request) { CountsAs::Nothing } else { CountsAs::Read }
}

/// Turns a HEAD request into GET, so that all routes with GET serve it. Returns whether it was one.
pub(super) fn head_as_get(request: &mut ServiceRequest) -> bool {
    if request.method() != Method::HEAD {
        return false;
    }
    request.head_mut().method = Method::GET;
    request.extensions_mut().insert(Head);
    true
}

/// Removes the body of an answer and keeps its length.
pub(super) fn without_body(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    response.map_body(|_, body| Unsent(body.size()).boxed())
}

/// A body of which only the size is known.
struct Unsent(BodySize);

impl MessageBody for Unsent {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(None)
    }
}

/// Refuses a body with a content encoding: no route decodes one.
pub(super) async fn refuse_encoded(request: &mut ServiceRequest) -> Result<(), Error> {
    if !is_encoded(request.headers()) {
        return Ok(());
    }
    drain(&mut patient(request.take_payload())).await;
    Err(Error::UnsupportedType)
}

fn is_encoded(headers: &HeaderMap) -> bool {
    let is_coded = |value: &HeaderValue| {
        let value = value.as_bytes().trim_ascii();
        !value.is_empty() && !value.eq_ignore_ascii_case(b"identity")
    };
    let has_body = headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length.as_bytes() != b"0");
    has_body && headers.get_all(header::CONTENT_ENCODING).any(is_coded)
}

/// Adds what a response needs and does not have: JSON is not sniffed, and no shared cache stores it.
pub(super) fn complete(response: &mut ServiceResponse<BoxBody>) {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return;
    }
    let is_authenticated = response.request().headers().contains_key(header::AUTHORIZATION);
    let headers = response.headers_mut();
    let is_json = headers.get(header::CONTENT_TYPE).is_some_and(|it| it.as_bytes().starts_with(b"application/json"));
    if is_json && !headers.contains_key(header::X_CONTENT_TYPE_OPTIONS) {
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static(NO_SNIFFING));
    }
    if (is_json || is_authenticated) && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(NOT_STORED));
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_bodies_are_encoded() {
        let is_encoded = |lines: &[(&'static str, &'static str)]| {
            let request = lines.iter().fold(TestRequest::post(), |request, line| request.append_header(*line));
            is_encoded(request.to_http_request().headers())
        };
        let length = ("content-length", "2");
        assert!(is_encoded(&[length, ("content-encoding", "gzip")]));
        assert!(is_encoded(&[("transfer-encoding", "chunked"), ("content-encoding", " BR ")]));
        assert!(is_encoded(&[length, ("content-encoding", "identity"), ("content-encoding", "gzip")]));
        assert!(!is_encoded(&[length, ("content-encoding", "Identity")]));
        assert!(!is_encoded(&[length]));
        assert!(!is_encoded(&[("content-encoding", "gzip")]), "there is no body");
        assert!(!is_encoded(&[("content-length", "0"), ("content-encoding", "gzip")]));
    }
}
