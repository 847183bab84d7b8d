//! Bodies and queries, with errors of ours instead of the framework's.

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use bytes::{Bytes, BytesMut};
use futures_util::future::{LocalBoxFuture, Ready, ready};
use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;

use crate::domain::{Error, Result};

/// Largest JSON body or form, in bytes.
pub(super) const MAX_BODY_BYTES: usize = 128 * 1024;
/// A client that sends nothing for this long is given up.
const IDLE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(20);

/// A JSON body. A missing content type passes, another one does not.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for JsonBody<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let content_type = request.content_type().to_ascii_lowercase();
        let is_json = content_type.is_empty() || content_type == "application/json" || content_type.ends_with("+json");
        let declared = declared_length(request);
        let payload = payload.take();
        Box::pin(async move {
            if !is_json {
                return Err(Error::UnsupportedType);
            }
            let bytes = read_body(payload, declared).await?;
            let value = serde_json::from_slice(&bytes).map_err(|error| Error::Malformed(error.to_string()))?;
            Ok(Self(value))
        })
    }
}

pub(super) fn declared_length(request: &HttpRequest) -> Option<u64> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads a small body whole.
///
/// # Errors
/// `TooLarge` before reading when the length is declared, `Malformed` when the client stops.
pub(super) async fn read_body(mut payload: Payload, declared: Option<u64>) -> Result<BytesMut> {
    let too_large = Error::TooLarge { max_bytes: MAX_BODY_BYTES as u64 };
    if declared.is_some_and(|length| length > MAX_BODY_BYTES as u64) {
        drain(&mut payload).await;
        return Err(too_large);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = next_chunk(&mut payload).await? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            drain(&mut payload).await;
            return Err(too_large);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

async fn next_chunk(payload: &mut Payload) -> Result<Option<web::Bytes>> {
    let chunk = tokio::time::timeout(IDLE_TIMEOUT, payload.next()).await;
    let chunk = chunk.map_err(|_| Error::Malformed("the body stopped".to_owned()))?;
    chunk.transpose().map_err(|error| Error::Malformed(error.to_string()))
}

/// Reads on for a while after a refusal: a client that is still sending would otherwise see a reset
/// connection instead of the answer. Bounded in bytes and time.
pub(super) async fn drain(payload: &mut (impl Stream<Item = Result<Bytes, PayloadError>> + Unpin)) {
    const MOST_BYTES: usize = 64 * 1024 * 1024;
    const LONGEST: std::time::Duration = std::time::Duration::from_secs(10);
    let reading = async {
        let mut bytes = 0;
        while let Some(Ok(chunk)) = payload.next().await {
            bytes += chunk.len();
            if bytes > MOST_BYTES {
                return;
            }
        }
    };
    // The outcome does not matter: the request is refused either way.
    tokio::time::timeout(LONGEST, reading).await.unwrap_or(());
}

/// Query parameters; a value that does not fit is malformed, an unknown one is ignored.
pub struct QueryParams<T>(pub T);

impl<T: DeserializeOwned> FromRequest for QueryParams<T> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let query = web::Query::<T>::from_query(request.query_string());
        ready(query.map(|query| Self(query.into_inner())).map_err(|error| Error::Malformed(error.to_string())))
    }
}
