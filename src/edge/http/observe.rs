//! Spans and metrics of requests. A span has id, method and path; the query is left out, because it may contain a
//! token.

use std::pin::Pin;
use std::task::{Context as Poller, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, web};
use bytes::Bytes;
use tracing_actix_web::{RequestId, RootSpanBuilder};

use super::auth::bearer;
use super::client::client_of;
use super::errors::RoutePattern;
use super::finish::Finishing;
use super::shown_path::shown_path;
use crate::domain::Error;
use crate::edge::connection::RequestUnderWay;
use crate::edge::context::Context;
use crate::edge::dialect::Registry;
use crate::edge::drain::UnderWay;
use crate::edge::socket::RawSocket;
use crate::edge::turn::{OF_A_REQUEST, take_turn};
use crate::fanout::Claimant;
use crate::metrics::Count;
use crate::spans::Span;

/// Header with the span of which a request is a part (W3C Trace Context).
const TRACEPARENT: &str = "traceparent";

/// Middleware that counts requests and adds their id to the response. It asks clients to close the connection while the
/// node drains, or when file descriptors run out.
///
/// # Errors
/// None of its own.
pub async fn count(
    request: ServiceRequest,
    next: Next<impl MessageBody + Unpin + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    // As arguments of the function both would cost each request a future.
    let (registry, context) = (data::<Registry>(&request)?, data::<Context>(&request)?);
    let is_under_way = UnderWay::enter(&context.stopping);
    let under_way = RequestUnderWay::enter(&request);
    let span = context.spans.request(|| request.headers().get(TRACEPARENT)?.to_str().ok());
    let turn = take_turn(&context.hub.turns(), claimant(&request, &context), OF_A_REQUEST).await;
    let started = std::time::Instant::now();
    let is_change = !request.method().is_safe();
    let answering = span.around(next.call(request));
    let mut response = match is_change {
        true => Finishing::new(Box::pin(answering), is_under_way).await?,
        false => {
            let response = answering.await;
            drop(is_under_way);
            response?
        }
    };
    span.if_sampled(|span| describe(span, &response));
    drop(turn);
    let (owner, status) = (registry.index(response.request().path()), response.status());
    let duration = started.elapsed();
    context.metrics.count_request(owner, status.as_u16(), duration);
    if let Some(RoutePattern(pattern)) = response.request().app_data() {
        context.metrics.time_route(response.request().method().as_str(), pattern, duration);
    }
    if status.is_client_error() || status.is_server_error() {
        context.metrics.count_error(route_of(response.request()), status.as_u16());
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        context.metrics.count(Count::RateLimited);
    }
    let id = response.request().extensions().get::<RequestId>().map(|id| id.to_string());
    if let Some(id) = id.and_then(|id| HeaderValue::from_maybe_shared(id).ok()) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
    }
    let is_to_close = context.is_draining() || RawSocket::is_scarce(response.request());
    if is_to_close && status != StatusCode::SWITCHING_PROTOCOLS {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(response.map_body(|_, body| UntilSent { body, _under_way: under_way }))
}

/// Describes the span of a request in the words of OpenTelemetry.
fn describe<B>(span: &Span, response: &ServiceResponse<B>) {
    let (request, status) = (response.request(), response.status());
    span.rename(route_of(request));
    span.set("http.request.method", request.method());
    span.set("http.response.status_code", status.as_u16());
    if let Some(route) = request.match_pattern() {
        span.set("http.route", route);
    }
    if let Some(id) = request.extensions().get::<RequestId>() {
        span.set("request.id", id);
    }
    if status.is_server_error() {
        span.fail();
    }
}

fn data<T: 'static>(request: &ServiceRequest) -> Result<web::Data<T>, Error> {
    request
        .app_data::<web::Data<T>>()
        .cloned()
        .ok_or_else(|| Error::internal("a request without the application's data"))
}

/// Whose turn a request takes. Whether the token may do anything is for its handler to check.
fn claimant(request: &ServiceRequest, context: &Context) -> Claimant {
    let request = request.request();
    // A browser cannot add a header to the handshake of a socket.
    let token = bearer(request).or_else(|| request.query_string().split('&').find_map(|it| it.strip_prefix("token=")));
    let user = token.and_then(|token| context.services.accounts.holder(token));
    match user {
        Some(user) => Claimant::User(user),
        None => Claimant::Stranger(client_of(request, &context.trusted_proxies).counted_address()),
    }
}

/// The body of a response, until which has been sent its request is under way.
struct UntilSent<B> {
    body: B,
    _under_way: RequestUnderWay,
}

impl<B: MessageBody + Unpin> MessageBody for UntilSent<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}

/// A request's method and route pattern: a bounded set, whatever clients send.
fn route_of(request: &HttpRequest) -> String {
    let method = request.method();
    let is_usual =
        [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS]
            .contains(method);
    let method = if is_usual { method.as_str() } else { "other" };
    format!("{method} {}", request.match_pattern().as_deref().unwrap_or("no route"))
}

/// Builds the span of a request. Errors are logged where they get their body.
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> tracing::Span {
        // At debug level, because formatting a span costs two microseconds per request. Log lines of other levels name
        // their request themselves.
        let id = request.extensions().get::<RequestId>().copied();
        let id = id.map(|id| tracing::field::display(*id));
        tracing::debug_span!("request", request.id = id, method = %request.method(), path = shown_path(request.path()))
    }

    fn on_request_end<B: MessageBody>(span: tracing::Span, outcome: &Result<ServiceResponse<B>, actix_web::Error>) {
        let status = match outcome {
            Ok(response) => response.status(),
            Err(error) => error.as_response_error().status_code(),
        };
        tracing::debug!(parent: &span, status = status.as_u16(), "request answered");
    }
}
