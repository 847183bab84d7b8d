//! Requests whose body was not read to its end.
//!
//! After a response the framework drains a chunked body that has been dropped, without a deadline (actix-http 3.20): a
//! client that never ends its body would hold the connection forever. If the body is still alive, the framework closes
//! the connection a second later instead. So the body is kept alive until the response is sent.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header;
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::body::SharedBody;
use crate::edge::connection::EndOfBody;

/// The body of a request, if it is chunked.
pub(super) struct HeldBody(Option<SharedBody>);

impl HeldBody {
    /// Takes a share of the body of a request.
    pub(super) fn of(request: &mut ServiceRequest) -> Self {
        if !request.headers().contains_key(header::TRANSFER_ENCODING) {
            return Self(None);
        }
        let ended = EndOfBody::of(request);
        let body = request.take_payload().chain(stream::poll_fn(move |_| {
            ended.note();
            Poll::Ready(None)
        }));
        let unread = SharedBody::new(Box::pin(body));
        request.set_payload(Payload::Stream { payload: Box::pin(unread.clone()) });
        Self(Some(unread))
    }

    /// Keeps the body alive until the response is sent.
    pub(super) fn until_sent(self, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
        let Some(unread) = self.0 else { return response };
        response.map_body(|_, body| Holding { body, _unread: unread }.boxed())
    }
}

/// The body of a response that keeps the request's body alive.
struct Holding {
    body: BoxBody,
    _unread: SharedBody,
}

impl MessageBody for Holding {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}
