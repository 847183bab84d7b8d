//! How a request becomes a WebSocket: it is admitted, registered and handed over. Each step returns a value that undoes
//! it when dropped, so that a handshake may fail or be abandoned anywhere.

use std::rc::Rc;

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev, web};

use super::admission::admit;
use super::codec::SocketRoute;
use super::hand_over::{RawSocket, hand_over};
use super::registration::Registration;
use crate::domain::{Error, Result};
use crate::edge::context::Context;
use crate::edge::http::errors::resource;

/// Answers a handshake.
///
/// # Errors
/// `Unauthenticated`, `Forbidden` for a page of another origin, `RateLimited`, `Unavailable`, `Malformed` for a request
/// that is no handshake. All of them before the upgrade.
async fn open(
    routes: Rc<[SocketRoute]>,
    request: HttpRequest,
    payload: web::Payload,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let admitted = admit(&routes, &request, &context)?;
    let response = switch_protocols(&request).await?;
    let socket = request.conn_data::<RawSocket>().ok_or_else(|| Error::internal("a connection without a socket"))?;
    let stream = Rc::new(socket.stream().map_err(Error::internal)?);
    let base_url = context.base_url(&request);
    let registration = Registration::of(admitted, base_url, Rc::clone(&stream), context).await?;
    Ok(hand_over(registration, response, payload.into_inner(), stream))
}

/// The framework's response to a handshake. Its streams are not used: see [`super::hand_over`].
async fn switch_protocols(request: &HttpRequest) -> Result<HttpResponse> {
    let no_payload = web::Payload::from_request(request, &mut dev::Payload::None).await.map_err(|_| Error::NotFound)?;
    let (response, _, _) =
        actix_ws::handle(request, no_payload).map_err(|error| Error::Malformed(format!("no WebSocket: {error}")))?;
    Ok(response)
}

/// Adds the WebSockets of all dialects: each path once, however many dialects share it.
pub fn configure(routes: &mut web::ServiceConfig, sockets: Vec<SocketRoute>) {
    let mut paths: Vec<String> = sockets.iter().map(|route| route.path.clone()).collect();
    paths.sort();
    paths.dedup();
    for path in paths {
        let here: Rc<[SocketRoute]> = sockets.iter().filter(|route| route.path == path).cloned().collect();
        let handler = move |request: HttpRequest, payload: web::Payload, context: web::Data<Context>| {
            open(Rc::clone(&here), request, payload, context)
        };
        routes.service(resource(&path).route(web::get().to(handler)));
    }
}
