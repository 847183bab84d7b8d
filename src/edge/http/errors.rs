//! Error responses, in the form of the dialect that owns the path.
//!
//! Handlers and extractors return [`Error`]; the framework's own errors are converted by status. One middleware around
//! all routes asks the dialect for the response.

use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, Resource, ResponseError, web};
use tracing::{debug, error, warn};
use tracing_actix_web::RequestId;

use super::allow::AllowedMethods;
use super::hold_body::HeldBody;
use super::manners::{complete, head_as_get, refuse_encoded, without_body};
use super::shown_path::shown_path;
use crate::domain::{Error, Kind, Result, Severity, UserId};
use crate::edge::dialect::Registry;

/// Time until a client may retry what failed because something that the node needs was unavailable.
const OUTAGE_RETRY: Duration = Duration::from_secs(1);
const BEARER: &str = "Bearer";
/// Pause before a user who is in too many rooms may have left one.
const ROOMS_RETRY: Duration = Duration::from_secs(60);

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.kind().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// A status without a body; [`in_dialect`] replaces it.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        HttpResponse::new(self.status_code())
    }
}

/// Middleware that replaces error responses by those of the dialect, and completes the headers of all responses.
///
/// # Errors
/// None of its own.
pub async fn in_dialect(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> std::result::Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let held = HeldBody::of(&mut request);
    let is_head = head_as_get(&mut request);
    let response = match refuse_encoded(&mut request).await {
        Ok(()) => next.call(request).await?.map_into_boxed_body(),
        Err(refused) => request.error_response(refused),
    };
    let mut response = translate(response);
    complete(&mut response);
    Ok(held.until_sent(if is_head { without_body(response) } else { response }))
}

/// Replaces the response to an error by that of the dialect.
fn translate(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let Some(cause) = response.response().error() else { return response };
    let registry = response.request().app_data::<web::Data<Registry>>();
    let allowed = response.request().app_data::<web::Data<AllowedMethods>>();
    let (Some(registry), Some(allowed)) = (registry, allowed) else { return response };
    let translated = cause.as_error::<Error>().is_none().then(|| from_framework(cause));
    let cause = cause.as_error::<Error>().or(translated.as_ref());
    let Some(cause) = cause else { return response };
    let dialect = registry.owner(response.request().path());
    log(cause, dialect.name, response.request());
    let mut answer = (dialect.error)(cause, response.request());
    if let Some(wait) = retry_after(cause) {
        let secs = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(secs.max(1)));
    }
    match answer.status() {
        StatusCode::METHOD_NOT_ALLOWED => {
            answer.headers_mut().insert(header::ALLOW, allowed.on(response.request()));
        }
        StatusCode::UNAUTHORIZED => {
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(BEARER));
        }
        _ => {}
    }
    response.into_response(answer)
}

/// The time after which the client may retry, for 429 and 503.
fn retry_after(cause: &Error) -> Option<Duration> {
    let known = cause.retry_after().or_else(|| matches!(cause, Error::TooManyRooms).then_some(ROOMS_RETRY));
    known.or_else(|| (cause.kind() == Kind::Unavailable).then_some(OUTAGE_RETRY))
}

fn from_framework(cause: &actix_web::Error) -> Error {
    let status = cause.as_response_error().status_code();
    match status {
        StatusCode::NOT_FOUND => Error::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Error::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge { max_bytes: super::body::MAX_BODY_BYTES as u64 },
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Error::UnsupportedType,
        status if status.is_client_error() => Error::Malformed(cause.to_string()),
        _ => Error::internal(cause.to_string()),
    }
}

fn log(cause: &Error, dialect: &str, request: &HttpRequest) {
    let id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    let (method, path) = (request.method().as_str(), shown_path(request.path()));
    match cause.severity() {
        Severity::Defect => error!(request.id = id, method, path, dialect, error = %cause, "request failed"),
        Severity::Outage => warn!(request.id = id, method, path, dialect, error = %cause, "store unavailable"),
        Severity::ClientMistake => debug!(dialect, error = %cause, "request refused"),
    }
}

/// Logs why a frame was refused.
pub(in crate::edge) fn log_refusal(cause: &Error, dialect: &str, user: UserId) {
    match cause.severity() {
        Severity::Defect => error!(dialect, user.id = %user, error = %cause, "frame failed"),
        Severity::Outage => warn!(dialect, user.id = %user, error = %cause, "store unavailable"),
        Severity::ClientMistake => debug!(dialect, user.id = %user, error = %cause, "frame refused"),
    }
}

/// The pattern of a route, for the requests to it.
pub(super) struct RoutePattern(pub(super) Box<str>);

/// A resource that answers other methods with 405 in the form of the dialect. Its requests are timed by its pattern.
pub fn resource(path: &str) -> Resource {
    let resource = web::resource(path).app_data(RoutePattern(path.into()));
    resource.default_service(web::to(|| async { Err::<HttpResponse, Error>(Error::MethodNotAllowed) }))
}

/// Answers a path without a route.
///
/// # Errors
/// Always `NotFound`.
pub async fn not_found() -> Result<HttpResponse> {
    Err(Error::NotFound)
}
