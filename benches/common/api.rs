//! The requests that create users and rooms, as clients make them (document 000).

use serde_json::{Value, json};

use super::Result;
use super::client::Connection;

/// The password of all users of the measurements.
pub const PASSWORD: &str = "for measurements only";

pub const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// A connection to a node without limits.
pub struct Api(Connection);

impl Api {
    pub async fn open(port: u16) -> Result<Self> {
        Ok(Self(Connection::open(port).await?))
    }

    /// Creates a user. Returns its token.
    pub async fn sign_in(&mut self, name: &str) -> Result<String> {
        let account = json!({ "username": name, "password": PASSWORD });
        self.post("/api/v1/auth/register", "", &account, 201).await?;
        let answer = self.post("/api/v1/auth/login", "", &account, 200).await?;
        Ok(answer["token"].as_str().ok_or("no token")?.to_owned())
    }

    /// Makes a group and adds users to it. Returns its number.
    pub async fn make_room(&mut self, owner: &str, title: &str, others: &[String]) -> Result<u64> {
        let room = json!({ "name": title, "is_private": false });
        let answer = self.post("/api/v1/rooms", owner, &room, 201).await?;
        let number = answer["id"].as_u64().ok_or("no room")?;
        for name in others {
            let path = format!("/api/v1/rooms/{number}/members");
            self.post(&path, owner, &json!({ "username": name }), 201).await?;
        }
        Ok(number)
    }

    /// Posts JSON and expects this status.
    pub async fn post(&mut self, path: &str, token: &str, body: &Value, status: u16) -> Result<Value> {
        self.exchange(path, &request("POST", path, token, JSON, &body.to_string()), status).await
    }

    /// Posts a form and expects this status.
    pub async fn post_form(&mut self, path: &str, token: &str, body: &str, status: u16) -> Result<Value> {
        self.exchange(path, &request("POST", path, token, FORM, body), status).await
    }

    /// Gets JSON.
    pub async fn get(&mut self, path: &str, token: &str) -> Result<Value> {
        self.exchange(path, &request("GET", path, token, JSON, ""), 200).await
    }

    async fn exchange(&mut self, path: &str, request: &[u8], status: u16) -> Result<Value> {
        let response = self.0.exchange(request).await?;
        let response = response.expect(status).map_err(|error| format!("{path}: {error}"))?;
        Ok(serde_json::from_slice(response.body)?)
    }
}

/// A request with a token and a body, if they are not empty.
pub fn request(method: &str, path: &str, token: &str, content_type: &str, body: &str) -> Vec<u8> {
    let authorization = match token {
        "" => String::new(),
        token => format!("Authorization: Bearer {token}\r\n"),
    };
    let content = match body.len() {
        0 => String::new(),
        length => format!("Content-Type: {content_type}\r\nContent-Length: {length}\r\n"),
    };
    format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}{content}\r\n{body}").into_bytes()
}
