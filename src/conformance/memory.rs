//! The state of a transcript while it is played, and its substitution into requests.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use reqwest::header::HeaderValue;
use serde_json::{Map, Value};

use super::symbols::{self, Entity, Symbols, Unknown, entity, symbol};

/// The values that a transcript remembers, and the format of its times.
#[derive(Clone)]
pub struct Memory {
    pub(super) values: HashMap<String, Value>,
    pub(super) server: Server,
}

/// What a transcript is played against.
#[derive(Clone)]
pub(super) enum Server {
    /// An empty node of Chinwag, which assigns exactly the ids of the transcript.
    Empty {
        /// The zone of times that are written without one; otherwise times are UTC and end with `Z`.
        naive: Option<TimeZone>,
    },
    /// Any other server, with ids of its own and messages of other users.
    Used(Symbols),
}

impl Memory {
    /// Expects the responses of an empty node of Chinwag. Its times are UTC, or in this zone and printed without it.
    #[must_use]
    pub fn new(naive: Option<TimeZone>) -> Self {
        Self { values: HashMap::new(), server: Server::Empty { naive } }
    }

    /// Accepts the responses of any server.
    pub(super) fn of(symbols: Symbols) -> Self {
        Self { values: HashMap::new(), server: Server::Used(symbols) }
    }

    /// Whether a content type is that of JSON. Other servers may name its charset.
    pub(super) fn is_json(&self, found: &HeaderValue) -> bool {
        match self.server {
            Server::Empty { .. } => found == "application/json",
            Server::Used(_) => found.as_bytes().starts_with(b"application/json"),
        }
    }

    /// Remembers a value by this name.
    pub(super) fn remember(&mut self, name: &str, value: Value) {
        self.values.insert(name.to_owned(), value);
    }

    /// Replaces names and ids by their values.
    pub(super) fn fill(&self, value: &Value) -> Result<Value, Unknown> {
        self.fill_as(value, None)
    }

    fn fill_as(&self, value: &Value, of: Option<Entity>) -> Result<Value, Unknown> {
        match value {
            Value::Array(items) => items.iter().map(|item| self.fill_as(item, of)).collect(),
            Value::Object(entries) => {
                let fill =
                    |(key, value): (&String, &Value)| Ok((key.clone(), self.fill_as(value, entity(key, entries))?));
                Ok(Value::Object(entries.iter().map(fill).collect::<Result<_, Unknown>>()?))
            }
            _ => self.fill_one(value, of),
        }
    }

    fn fill_one(&self, value: &Value, of: Option<Entity>) -> Result<Value, Unknown> {
        if let (Server::Used(symbols), Some(of), Some(symbol)) = (&self.server, of, symbol(value)) {
            let id = symbols.id(of, &symbol)?;
            return Ok(match (value, id.parse::<u64>()) {
                (Value::Number(_), Ok(number)) => number.into(),
                _ => id.into(),
            });
        }
        let Value::String(text) = value else { return Ok(value.clone()) };
        match text.strip_prefix('$').and_then(|name| self.values.get(name)) {
            Some(whole) => Ok(whole.clone()),
            None => Ok(self.fill_text(text)?.into()),
        }
    }

    /// Replaces names within a text.
    pub(super) fn fill_text(&self, text: &str) -> Result<String, Unknown> {
        let mut pieces = text.split('$');
        let mut filled = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let end = piece.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(piece.len());
            let (name, rest) = piece.split_at(end);
            match self.values.get(name) {
                Some(Value::String(text)) => filled.push_str(text),
                Some(value) => filled.push_str(&value.to_string()),
                None => return Err(Unknown(format!("${name}"))),
            }
            filled.push_str(rest);
        }
        Ok(filled)
    }

    /// Replaces names and ids in a path.
    pub(super) fn fill_path(&self, path: &str) -> Result<String, Unknown> {
        match &self.server {
            Server::Empty { .. } => self.fill_text(path),
            Server::Used(symbols) => self.fill_text(&symbols::fill_path(symbols, path)?),
        }
    }

    /// Replaces names and ids in the field of a form.
    pub(super) fn fill_field(&self, name: &str, value: &str) -> Result<String, Unknown> {
        let filled = self.fill_one(&value.into(), entity(name, &Map::new()))?;
        Ok(filled.as_str().map_or_else(|| filled.to_string(), str::to_owned))
    }
}
