//! Ids that make a repeated request recognisable.

use actix_web::HttpRequest;

use super::client::is_from_trusted;
use crate::domain::{ClientId, Error, Field, Result};
use crate::edge::context::Context;

/// The client's own key, kept for a day.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// A trusted proxy's name for the request, the same on each node that it tries.
const REQUEST_ID: &str = "x-request-id";

/// The id of a request that is the same in a retry: the client's key, or else the proxy's id.
///
/// # Errors
/// `Invalid` for a malformed key of the client. A malformed id of a proxy is ignored.
pub fn retry_id(request: &HttpRequest, context: &Context) -> Result<Option<ClientId>> {
    if let Some(key) = request.headers().get(IDEMPOTENCY_KEY) {
        let key = key.to_str().map_err(|_| Error::Invalid(Field::ClientId))?;
        return ClientId::parse(key).map(Some);
    }
    if !is_from_trusted(request, &context.trusted_proxies) {
        return Ok(None);
    }
    let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
    Ok(id.and_then(|id| ClientId::of_proxy(id).ok()))
}
