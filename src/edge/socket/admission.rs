//! Whether a client may open a WebSocket: its origin, its token, and how many it has.

use actix_web::HttpRequest;

use super::codec::{Credentials, SocketCodec, SocketRoute};
use super::registry::Permit;
use crate::domain::{Client, Error, Result};
use crate::edge::context::Context;
use crate::edge::http::auth::bearer;
use crate::edge::http::client::client_of;
use crate::edge::http::is_extended;
use crate::edge::http::origin::is_origin_allowed;
use crate::edge::http::query::read_query;
use crate::service::Grant;

/// The query of a handshake.
pub(super) type Query = Vec<(String, String)>;

/// A client that may open a WebSocket.
pub(super) struct Admitted {
    pub(super) query: Query,
    pub(super) codec: SocketCodec,
    /// Whether the client requests the extensions of the document, and the dialect has them.
    pub(super) is_extended: bool,
    pub(super) client: Client,
    pub(super) grant: Grant,
    pub(super) permit: Permit,
}

/// Checks origin, token and limits.
///
/// # Errors
/// `Forbidden`, `Unauthenticated`, `RateLimited`, `Malformed`; `Unavailable` on a node that is about to stop.
pub(super) async fn admit(routes: &[SocketRoute], request: &HttpRequest, context: &Context) -> Result<Admitted> {
    if !is_origin_allowed(request, context) {
        return Err(Error::Forbidden);
    }
    let query: Query = read_query(request)?;
    let credentials = credentials_of(request, &query);
    let codec = choose(routes, &query, &credentials)?;
    let client = client_of(request, &context.trusted_proxies);
    let token = credentials.header.as_deref().or(credentials.query.as_deref());
    let grant = context.services.accounts.authenticate(token, &client).await?;
    if context.is_draining() {
        return Err(about_to_stop());
    }
    let permit = context.socket_counts.enter(grant.caller.id, &client)?;
    let is_extended = codec.has_extension && is_extended(request);
    Ok(Admitted { query, codec, is_extended, client, grant, permit })
}

pub(super) fn about_to_stop() -> Error {
    Error::Unavailable("this node is about to stop".into())
}

fn credentials_of(request: &HttpRequest, query: &[(String, String)]) -> Credentials {
    let header = bearer(request).map(str::to_owned);
    let query = query.iter().find(|(key, _)| key == "token");
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
