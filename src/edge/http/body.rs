//! Extractors for bodies that fail with [`Error`] instead of the framework's errors.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use bytes::{Bytes, BytesMut};
use futures_util::future::LocalBoxFuture;
use futures_util::{Stream, StreamExt, stream};
use serde::de::DeserializeOwned;

use crate::domain::{Error, Result};

/// Largest JSON body or form, in bytes.
pub(in crate::edge) const MAX_BODY_BYTES: usize = 128 * 1024;
/// Some libraries put it before JSON (RFC 8259, §8.1: parsers may ignore it).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// How long a client may pause while it sends a body.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);
/// How long a body may take: 10 MiB at 35 KiB a second.
const LONGEST_BODY: Duration = Duration::from_secs(300);

/// A JSON object as the body. The content type may be missing, but no other type is accepted.
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
            read_object(&bytes).map(Self)
        })
    }
}

/// Parses a JSON object, which a byte order mark may precede. Refuses arrays, which a derived `Deserialize` would accept
/// as well.
pub(in crate::edge) fn read_object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(Error::Malformed("not a JSON object".to_owned()));
    }
    // The parser's message may quote a value, and the value may be a password.
    serde_json::from_slice(bytes).map_err(|error| {
        Error::Malformed(format!(
            "JSON {:?} error in line {}, column {}",
            error.classify(),
            error.line(),
            error.column()
        ))
    })
}

pub(in crate::edge) fn declared_length(request: &HttpRequest) -> Option<u64> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads a whole small body.
///
/// # Errors
/// `TooLarge`, before reading if the declared length exceeds the limit; `Malformed` when the client stops.
pub(in crate::edge) async fn read_body(payload: Payload, declared: Option<u64>) -> Result<BytesMut> {
    let mut payload = patient(payload);
    let too_large = Error::TooLarge { max_bytes: MAX_BODY_BYTES as u64 };
    if declared.is_some_and(|length| length > MAX_BODY_BYTES as u64) {
        drain(&mut payload).await;
        return Err(too_large);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| Error::Malformed(error.to_string()))?;
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            drain(&mut payload).await;
            return Err(too_large);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A body that ends with an error when the client stops sending.
pub(in crate::edge) type Body = Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>;

/// A body with several owners: one reads it, others keep it open or drain it after a refusal.
#[derive(Clone)]
pub(in crate::edge) struct SharedBody(Rc<RefCell<Body>>);

impl SharedBody {
    pub(in crate::edge) fn new(body: Body) -> Self {
        Self(Rc::new(RefCell::new(body)))
    }
}

impl Stream for SharedBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.borrow_mut().poll_next_unpin(cx)
    }
}

/// The body of a request with timeouts.
pub(in crate::edge) fn patient(payload: Payload) -> Body {
    // Fused, because the multipart parser polls again after the end.
    let deadline = Instant::now() + LONGEST_BODY;
    let chunks = stream::unfold(Some(payload), move |payload| async move {
        let mut payload = payload?;
        let patience = LONGEST_SILENCE.min(deadline.saturating_duration_since(Instant::now()));
        match tokio::time::timeout(patience, payload.next()).await {
            Ok(chunk) => chunk.map(|chunk| (chunk, Some(payload))),
            Err(_) => Some((Err(PayloadError::Incomplete(None)), None)),
        }
    });
    Box::pin(chunks.fuse())
}

/// Drains a body after a refusal, bounded in bytes and time. Otherwise a client that is still sending would see a
/// connection reset instead of the response.
pub(in crate::edge) async fn drain(body: &mut (impl Stream<Item = Result<Bytes, PayloadError>> + Unpin)) {
    const MOST_BYTES: usize = 64 * 1024 * 1024;
    const LONGEST: Duration = Duration::from_secs(10);
    const LONGEST_PAUSE: Duration = Duration::from_millis(500);
    let started = Instant::now();
    let mut bytes = 0;
    while let Ok(Some(Ok(chunk))) = tokio::time::timeout(LONGEST_PAUSE, body.next()).await {
        bytes += chunk.len();
        if bytes > MOST_BYTES || started.elapsed() > LONGEST {
            return;
        }
    }
}
