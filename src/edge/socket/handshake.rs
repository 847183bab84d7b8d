//! How a request becomes a WebSocket: it is admitted, registered and handed over. Each step returns a value that undoes
//! it when dropped, so that a handshake may fail or be abandoned anywhere.

use std::rc::Rc;

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev, web};

use super::codec::{Credentials, SocketCodec, SocketRoute};
use super::hand_over::{RawSocket, hand_over};
use super::registration::Registration;
use super::registry::Permit;
use crate::domain::{Client, Error, Result};
use crate::edge::context::Context;
use crate::edge::http::auth::bearer;
use crate::edge::http::client::client_of;
use crate::edge::http::cors::is_origin_allowed;
use crate::edge::http::errors::resource;
use crate::service::Grant;

/// The query of a handshake.
pub(super) type Query = Vec<(String, String)>;

/// A client that may open a WebSocket.
pub(super) struct Admitted {
    pub(super) query: Query,
    pub(super) codec: SocketCodec,
    pub(super) client: Client,
    pub(super) grant: Grant,
    pub(super) permit: Permit,
}

impl Admitted {
    /// Whether the client asks for more than the document has, and the dialect offers it.
    pub(super) fn is_extended(&self) -> bool {
        self.codec.has_extension && self.query.iter().any(|(key, value)| key == "ext" && value == "1")
    }
}

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

/// Checks origin, token and limits.
fn admit(routes: &[SocketRoute], request: &HttpRequest, context: &Context) -> Result<Admitted> {
    if !is_origin_allowed(request, &context.allowed_origins) {
        return Err(Error::Forbidden);
    }
    let query = query_of(request)?;
    let credentials = credentials_of(request, &query);
    let codec = choose(routes, &query, &credentials)?;
    let client = client_of(request, &context.trusted_proxies);
    let token = credentials.header.as_deref().or(credentials.query.as_deref()).ok_or(Error::Unauthenticated)?;
    let grant = context.services.accounts.grant(token).or_else(|error| {
        context.limits.check_sign_in(client.ip)?;
        Err(error)
    })?;
    context.limits.check_user(grant.caller.id)?;
    if context.is_draining() {
        return Err(about_to_stop());
    }
    let permit = context.socket_counts.enter(grant.caller.id, client.ip, context.limits.socket_caps())?;
    Ok(Admitted { query, codec, client, grant, permit })
}

pub(super) fn about_to_stop() -> Error {
    Error::Unavailable("this node is about to stop".into())
}

fn query_of(request: &HttpRequest) -> Result<Query> {
    let query = web::Query::<Query>::from_query(request.query_string());
    query.map(web::Query::into_inner).map_err(|error| Error::Malformed(error.to_string()))
}

fn credentials_of(request: &HttpRequest, query: &[(String, String)]) -> Credentials {
    let header = bearer(request).map(str::to_owned);
    let query = query.iter().find(|(key, value)| key == "token" && !value.is_empty());
    Credentials { header, query: query.map(|(_, token)| token.clone()) }
}

/// The dialect that a client names, or else the first that claims the handshake.
fn choose(routes: &[SocketRoute], query: &[(String, String)], credentials: &Credentials) -> Result<SocketCodec> {
    let named = query.iter().find(|(key, _)| key == "dialect").map(|(_, name)| name.as_str());
    let route = match named {
        // On a path of one dialect the parameter is ignored.
        Some(name) if routes.len() > 1 => {
            routes.iter().find(|route| route.codec.name == name).ok_or(Error::Malformed("dialect".to_owned()))
        }
        Some(_) | None => routes.iter().find(|route| (route.claims)(credentials)).ok_or(Error::Unauthenticated),
    };
    route.map(|route| route.codec)
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
