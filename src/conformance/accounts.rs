//! The accounts with which transcripts are played: given ones, or new ones by the routes of document 000 or 001.

use serde_json::{Value, json};

use super::client::{Server, send};
use super::names::id_in;

/// The password of new accounts: that of the documents' examples.
const PASSWORD: &str = "your_strong_password";

/// A user with a token.
#[derive(Clone)]
pub struct Account {
    pub(super) token: String,
    pub(super) id: Option<String>,
}

impl Account {
    /// An account whose token is known.
    #[must_use]
    pub fn with_token(token: &str) -> Self {
        Self { token: token.to_owned(), id: id_in(token) }
    }
}

/// An account that exists already.
#[derive(Clone)]
pub enum Given {
    /// A name, or the address of document 001, and a password.
    Password(String, String),
    /// A name and a token.
    Token(String, String),
}

impl Given {
    pub(super) fn name(&self) -> &str {
        let (Self::Password(name, _) | Self::Token(name, _)) = self;
        name
    }

    pub(super) async fn sign_in(&self, server: &Server) -> Result<Account, String> {
        let token = match self {
            Self::Password(name, password) => log_in(server, name, name, password).await?,
            Self::Token(_, token) => token.clone(),
        };
        with_id(server, Account::with_token(&token)).await
    }
}

/// Registers an account and logs in.
pub(super) async fn register(server: &Server, name: &str) -> Result<Account, String> {
    let paths = ["/api/v1/auth/register", "/api/v1/register"];
    let email = format!("{}@example.com", uuid::Uuid::new_v4().simple());
    let bodies = [
        json!({"username": name, "password": PASSWORD}),
        json!({"username": name, "email": email, "password": PASSWORD}),
    ];
    let mut refusals = Vec::new();
    for (path, body) in paths.into_iter().zip(bodies) {
        match post(server, path, &body).await? {
            (200 | 201, _) => {
                let token = log_in(server, name, &email, PASSWORD).await?;
                return with_id(server, Account::with_token(&token)).await;
            }
            (status, _) => refusals.push(format!("POST {path}: {status}")),
        }
    }
    Err(format!("no account for {name} ({}); give some with --user or --token", refusals.join(", ")))
}

async fn log_in(server: &Server, name: &str, email: &str, password: &str) -> Result<String, String> {
    let tries = [
        ("/api/v1/auth/login", json!({"username": name, "password": password}), "/token"),
        ("/api/v1/login", json!({"email": email, "password": password}), "/data/token"),
    ];
    let mut refusals = Vec::new();
    for (path, body, place) in tries {
        let (status, answer) = post(server, path, &body).await?;
        match answer.pointer(place).and_then(Value::as_str) {
            Some(token) => return Ok(token.to_owned()),
            None => refusals.push(format!("POST {path}: {status}")),
        }
    }
    Err(format!("no token for {name} ({})", refusals.join(", ")))
}

/// Asks document 001 for the id where the token does not say it.
async fn with_id(server: &Server, mut account: Account) -> Result<Account, String> {
    if account.id.is_none() {
        let request = || server.http.get(server.url("/api/v1/user/profile")).bearer_auth(&account.token);
        let answer = send(request).await?;
        let profile: Value = answer.json().await.unwrap_or_default();
        account.id = profile["data"]["user_id"].as_str().map(str::to_owned);
    }
    Ok(account)
}

async fn post(server: &Server, path: &str, body: &Value) -> Result<(u16, Value), String> {
    let request = || server.http.post(server.url(path)).json(body);
    let answer = send(request).await.map_err(|error| format!("POST {path}: {error}"))?;
    let status = answer.status().as_u16();
    Ok((status, answer.json().await.unwrap_or_default()))
}
