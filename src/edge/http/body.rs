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
/// A byte order mark, which some libraries put before JSON (RFC 8259, §8.1: parsers may ignore it).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// How long a client may pause while it sends a body.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);
/// How many bytes of a body must arrive in each second on average, after the first ten seconds: a small body takes at most
/// 18 seconds, a file of 10 MiB eleven minutes.
const LEAST_BYTES_PER_SEC: u64 = 16 * 1024;

/// A JSON object as the body. The content type may be missing, but no other type is accepted.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for JsonBody<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = json_bytes(request, payload);
        Box::pin(async move { read_object(&body.await?).map(Self) })
    }
}

/// Reads a body that claims to be JSON.
fn json_bytes(request: &HttpRequest, payload: &mut Payload) -> impl Future<Output = Result<BytesMut>> + use<> {
    let content_type = request.content_type().to_ascii_lowercase();
    let is_json = content_type.is_empty() || content_type == "application/json" || content_type.ends_with("+json");
    let declared = declared_length(request);
    let payload = payload.take();
    async move { if is_json { read_body(payload, declared).await } else { Err(Error::UnsupportedType) } }
}

/// Like [`JsonBody`], but the body may be missing or `null`.
pub struct OptionalBody<T>(pub Option<T>);

impl<T: DeserializeOwned + 'static> FromRequest for OptionalBody<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = json_bytes(request, payload);
        Box::pin(async move {
            let bytes = body.await?;
            let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes).trim_ascii();
            let is_absent = text.is_empty() || text == b"null";
            if is_absent { Ok(Self(None)) } else { read_object(&bytes).map(|object| Self(Some(object))) }
        })
    }
}

/// A JSON object as the body, or in the field `payload` of a form, as webhooks of other programs send it. Some of them call
/// the JSON itself a form.
pub struct PayloadBody<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for PayloadBody<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !request.content_type().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            let body = json_bytes(request, payload);
            return Box::pin(async move { read_object(&body.await?).map(Self) });
        }
        let (declared, payload) = (declared_length(request), payload.take());
        Box::pin(async move {
            let body = read_body(payload, declared).await?;
            if body.trim_ascii_start().first() == Some(&b'{') {
                return read_object(&body).map(Self);
            }
            let field = url::form_urlencoded::parse(&body).find(|(name, _)| name == "payload");
            let (_, json) = field.ok_or_else(|| Error::Malformed("a form without payload".to_owned()))?;
            read_object(json.as_bytes()).map(Self)
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
    let chunks = stream::unfold(Some((payload, Arrival::default())), |state| async move {
        let (mut payload, mut arrival) = state?;
        let started = Instant::now();
        let Ok(chunk) = tokio::time::timeout(arrival.patience(), payload.next()).await else {
            return Some((Err(PayloadError::Incomplete(None)), None));
        };
        arrival.waited += started.elapsed();
        let chunk = chunk?;
        arrival.bytes += chunk.as_ref().map_or(0, |bytes| bytes.len() as u64);
        Some((chunk, Some((payload, arrival))))
    });
    // Fused, because the multipart parser polls again after the end.
    Box::pin(chunks.fuse())
}

/// What has arrived of a body, and how long the server has waited for it. The time in which the server does something else
/// does not count.
#[derive(Default)]
struct Arrival {
    bytes: u64,
    waited: Duration,
}

impl Arrival {
    /// How long the next bytes may take.
    fn patience(&self) -> Duration {
        let in_all = LONGEST_SILENCE + Duration::from_millis(self.bytes * 1000 / LEAST_BYTES_PER_SEC);
        LONGEST_SILENCE.min(in_all.saturating_sub(self.waited))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// How long a body of this size may take when it arrives in pieces after equal pauses; `None` when it is refused.
    fn arrives(bytes: u64, piece: u64, pause: Duration) -> Option<Duration> {
        let mut arrival = Arrival::default();
        while arrival.bytes < bytes {
            if pause > arrival.patience() {
                return None;
            }
            arrival = Arrival { bytes: arrival.bytes + piece, waited: arrival.waited + pause };
        }
        Some(arrival.waited)
    }

    #[test]
    fn a_body_may_be_slow_and_may_not_be_dripped() {
        let (kib, mib) = (1024, 1024 * 1024);
        // A small one in two parts, a file over a slow connection, and over one that pauses.
        assert!(arrives(2, 1, Duration::from_secs(5)).is_some());
        assert!(arrives(10 * mib, 16 * kib, Duration::from_secs(1)).is_some());
        assert!(arrives(10 * mib, mib, Duration::from_secs(9)).is_some());
        for (piece, pause_ms) in [(1, 100), (1, 5000), (1, 10_001), (kib, 1000), (15 * kib, 1000), (mib, 11_000)] {
            assert_eq!(arrives(100 * mib, piece, Duration::from_millis(pause_ms)), None, "{piece} each {pause_ms} ms");
        }
    }
}
