//! Authentication: checks the token of a request, without a look-up except for the first request of a user on this
//! node.

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;

use super::client::client_of;
use crate::domain::{Application, ApplicationToken, Caller, Client, Error, Result, TokenId, TokenTerms};
use crate::edge::context::Context;
use crate::service::Operator;

/// The user of a request with a valid token. Extracting it counts as activity.
#[derive(Debug)]
pub struct Authenticated {
    /// The user.
    pub caller: Caller,
    /// The token of the request.
    pub token: TokenId,
    /// Until when what belongs to the token is good.
    pub terms: TokenTerms,
    /// The client's address and user agent.
    pub client: Client,
}

impl FromRequest for Authenticated {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let (user, context) = check(&request).await?;
            // Presence is best effort. A request that needs the store reports the failure itself.
            if let Err(error) = context.services.presence.note(&user.caller, &user.client).await {
                tracing::debug!(%error, "could not record activity");
            }
            Ok(user)
        })
    }
}

/// Like [`Authenticated`], but does not count as activity: for requests that record it themselves.
#[derive(Debug)]
pub struct QuietAuth(pub Authenticated);

impl FromRequest for QuietAuth {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { check(&request).await.map(|(user, _)| Self(user)) })
    }
}

/// The caller of a route for administrators and applications: an administrator with a user's token, or an application
/// with its own. What either may do, the services decide.
pub enum Operating {
    /// A user.
    User(Authenticated),
    /// An application, and the client's address and user agent.
    Application(Application, Client),
}

impl Operating {
    /// The operator for the services.
    pub fn operator(&self) -> Operator<'_> {
        match self {
            Self::User(user) => Operator::Admin(&user.caller, &user.client),
            Self::Application(application, client) => Operator::Application(application, client),
        }
    }

    /// The user, or the account as which the application acts.
    pub fn caller(&self) -> &Caller {
        match self {
            Self::User(user) => &user.caller,
            Self::Application(application, _) => &application.bot,
        }
    }
}

impl FromRequest for Operating {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let Some(token) = bearer(request).and_then(ApplicationToken::parse) else {
            let user = Authenticated::from_request(request, payload);
            return Box::pin(async move { user.await.map(Self::User) });
        };
        let request = request.clone();
        Box::pin(async move {
            let context = context_of(&request)?;
            let client = client_of(&request, &context.trusted_proxies);
            let application = context.services.applications.authenticate(&token, &client).await?;
            Ok(Self::Application(application, client))
        })
    }
}

fn context_of(request: &HttpRequest) -> Result<&web::Data<Context>> {
    request.app_data::<web::Data<Context>>().ok_or_else(|| Error::internal("a route without a context"))
}

async fn check(request: &HttpRequest) -> Result<(Authenticated, &web::Data<Context>)> {
    let context = context_of(request)?;
    let client = client_of(request, &context.trusted_proxies);
    let grant = context.services.accounts.authenticate(bearer(request), &client).await?;
    let terms = grant.terms();
    Ok((Authenticated { caller: grant.caller, token: grant.token, terms, client }, context))
}

/// The token of an `Authorization: Bearer` header. The scheme is case-insensitive (RFC 9110, §11.1).
pub(in crate::edge) fn bearer(request: &HttpRequest) -> Option<&str> {
    // `HeaderValue::to_str` checks byte by byte, which for a token takes a tenth of the time of a poll.
    let value = str::from_utf8(request.headers().get(header::AUTHORIZATION)?.as_bytes()).ok()?;
    let (scheme, token) = value.split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case("bearer ").then(|| token.trim())
}
