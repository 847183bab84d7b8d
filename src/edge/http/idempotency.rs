//! Ids that make a repeated request recognisable.

use actix_web::HttpRequest;

use crate::domain::{ClientId, Error, Field, Result};
use crate::edge::context::Context;

/// The client's own key, kept for a day.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The id of a request that is the same in a retry: the client's key, or else the id in the header that the operator
/// named, which a proxy sets to the same value for each attempt.
///
/// # Errors
/// `Invalid` for a malformed key of the client. A malformed id of a proxy is ignored.
pub fn retry_id(request: &HttpRequest, context: &Context) -> Result<Option<ClientId>> {
    if let Some(key) = request.headers().get(IDEMPOTENCY_KEY) {
        let key = key.to_str().map_err(|_| Error::Invalid(Field::ClientId))?;
        return ClientId::parse(key).map(Some);
    }
    let Some(name) = &context.retry_header else { return Ok(None) };
    let id = request.headers().get(name).and_then(|id| id.to_str().ok());
    Ok(id.and_then(|id| ClientId::of_proxy(id).ok()))
}
