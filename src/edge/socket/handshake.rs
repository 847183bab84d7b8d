//! The handshake of a WebSocket, in three steps: a request is admitted, registered and handed over. Each step returns a
//! value that undoes the step when dropped, so a handshake may fail or be cancelled at any point.

use std::rc::Rc;

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev, web};

use super::admission::admit;
use super::codec::SocketRoute;
use super::hand_over::hand_over;
use super::raw_socket::RawSocket;
use super::session::Session;
use crate::domain::{Error, Result};
use crate::edge::context::Context;
use crate::edge::http::errors::resource;
use crate::edge::http::is_head;

/// Handles a handshake.
///
/// # Errors
/// `Unauthenticated`, `Forbidden` for a page of another origin, `RateLimited`, `Unavailable`, or `Malformed` for a
/// request that is not a handshake. All of them occur before the upgrade.
async fn open(
    routes: Rc<[SocketRoute]>,
    request: HttpRequest,
    payload: web::Payload,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let admitted = admit(&routes, &request, &context).await?;
    let response = switch_protocols(&request).await?;
    let stream = Rc::new(RawSocket::duplicate(&request)?);
    let base_url = context.base_url(&request);
    let session = Session::register(admitted, &base_url, Rc::clone(&stream), context).await?;
    Ok(hand_over(session, response, payload.into_inner(), stream))
}

/// Builds the framework's response to a handshake. Its streams are not used: see [`super::hand_over`].
async fn switch_protocols(request: &HttpRequest) -> Result<HttpResponse> {
    if is_head(request) {
        return Err(Error::Malformed("HEAD opens no WebSocket".to_owned()));
    }
    let no_payload = web::Payload::from_request(request, &mut dev::Payload::None).await.map_err(|_| Error::NotFound)?;
    let (response, _, _) =
        actix_ws::handle(request, no_payload).map_err(|error| Error::Malformed(format!("no WebSocket: {error}")))?;
    Ok(response)
}

/// Registers the WebSockets of all dialects. A path that several dialects share is registered once.
pub fn configure(routes: &mut web::ServiceConfig, sockets: Vec<SocketRoute>) {
    let mut paths: Vec<String> = sockets.iter().map(|route| route.path.clone()).collect();
    paths.sort();
    paths.dedup();
    for path in paths {
        let candidates: Rc<[SocketRoute]> = sockets.iter().filter(|route| route.path == path).cloned().collect();
        let handler = move |request: HttpRequest, payload: web::Payload, context: web::Data<Context>| {
            open(Rc::clone(&candidates), request, payload, context)
        };
        routes.service(resource(&path).route(web::get().to(handler)));
    }
}
