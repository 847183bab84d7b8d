//! Maps the ids of a transcript to those of the server. Transcripts have the ids that an empty node of Chinwag assigns.
//! Other servers assign others: each id of a transcript is bound to the first value that arrives in its place, and from
//! then on stands for it.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Added to ids that nothing has: no server that is tried out has come so far.
const FAR: u64 = 2_000_000_000;
/// Numbers of more digits are wrong on purpose.
const MAX_DIGITS: usize = 12;

/// What an id is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Entity {
    User,
    Room,
    Message,
}

/// What has to be known first.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not known")]
pub struct Unknown(pub(super) String);

/// Ids of a transcript, and those of the server.
#[derive(Clone, Default)]
pub(super) struct Symbols {
    bound: HashMap<(Entity, String), String>,
    /// How many users the transcript has: their ids are the first ones.
    users: u64,
}

impl Symbols {
    pub(super) fn new(users: u64) -> Self {
        Self { bound: HashMap::new(), users }
    }

    pub(super) fn bind(&mut self, entity: Entity, symbol: &str, id: &str) {
        self.bound.insert((entity, symbol.to_owned()), id.to_owned());
    }

    /// Whether an id is the one that a symbol stands for. A symbol that was not seen before stands for it from now on.
    pub(super) fn is(&mut self, entity: Entity, symbol: &str, id: &str) -> bool {
        if let Some(bound) = self.bound.get(&(entity, symbol.to_owned())) {
            return bound == id;
        }
        let is_of_another = self.bound.iter().any(|((of, _), bound)| *of == entity && bound == id);
        if !is_of_another {
            self.bind(entity, symbol, id);
        }
        !is_of_another
    }

    /// The id for a symbol in a request. One that nothing is bound to names what does not exist.
    pub(super) fn id(&self, entity: Entity, symbol: &str) -> Result<String, Unknown> {
        if let Some(bound) = self.bound.get(&(entity, symbol.to_owned())) {
            return Ok(bound.clone());
        }
        match symbol.parse::<u64>() {
            Ok(number) if entity == Entity::User && number <= self.users => {
                Err(Unknown(format!("the id of user {number}")))
            }
            Ok(number) => Ok((FAR + number).to_string()),
            // Backwards: a server in use may well have the room of the transcript.
            Err(_) => Ok(format!("room_{}", symbol.trim_start_matches("room_").chars().rev().collect::<String>())),
        }
    }
}

/// What the value of a key is the id of, by the keys next to it.
pub(super) fn entity(key: &str, object: &Map<String, Value>) -> Option<Entity> {
    let is_room_chat = object.get("chat_type").is_some_and(|kind| kind == "room");
    match key {
        "receiver_id" | "reveiver_id" if is_room_chat => Some(Entity::Room),
        "user_id" | "sender_id" | "creator_id" | "senderId" | "receiver_id" | "reveiver_id" | "members" => {
            Some(Entity::User)
        }
        "receiverId" => {
            let is_user = object[key].as_str().is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
            Some(if is_user { Entity::User } else { Entity::Room })
        }
        "room_id" | "group_id" | "conversationId" => Some(Entity::Room),
        "id" if object.contains_key("is_admin") => Some(Entity::User),
        "id" if object.contains_key("is_private") || object.contains_key("members") => Some(Entity::Room),
        "id" | "message_id" => Some(Entity::Message),
        _ => None,
    }
}

/// The symbol that a value of a transcript is: a number from 1, as such or as a text, or the id of a room.
pub(super) fn symbol(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => number.as_u64().filter(|number| *number > 0).map(|number| number.to_string()),
        Value::String(text) => is_symbol(text).then(|| text.clone()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn is_symbol(text: &str) -> bool {
    let is_number = !text.is_empty() && text.len() <= MAX_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && text != "0") || is_room(text)
}

/// Document 003, §6: `room_a1b2c3d4`.
pub(super) fn is_room(text: &str) -> bool {
    text.strip_prefix("room_")
        .is_some_and(|hex| hex.len() == 8 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

/// Replaces the symbols in a path and its query.
pub(super) fn fill_path(symbols: &Symbols, path: &str) -> Result<String, Unknown> {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let replace = |entity: Option<Entity>, text: &str| match entity {
        Some(entity) if is_symbol(text) => symbols.id(entity, text),
        _ => Ok(text.to_owned()),
    };
    let mut before = "";
    let mut segments = Vec::new();
    for segment in path.split('/') {
        let entity = match before {
            "rooms" | "group" => Some(Entity::Room),
            "members" | "user-ip" => Some(Entity::User),
            _ => None,
        };
        segments.push(replace(entity, segment)?);
        before = segment;
    }
    let mut filled = segments.join("/");
    for (index, pair) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = replace(entity(key, &Map::new()), value)?;
        filled += &format!("{}{key}={value}", if index == 0 { '?' } else { '&' });
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_symbol_stands_for_what_came_in_its_place_first() {
        let mut symbols = Symbols::new(2);
        assert!(symbols.is(Entity::Message, "7", "900"));
        assert!(symbols.is(Entity::Message, "7", "900"));
        assert!(!symbols.is(Entity::Message, "7", "901"), "another id");
        assert!(!symbols.is(Entity::Message, "8", "900"), "two messages with one id");
        assert!(symbols.is(Entity::User, "7", "900"), "users have ids of their own");
        assert_eq!(symbols.id(Entity::Message, "7"), Ok("900".to_owned()));
        assert_eq!(symbols.id(Entity::User, "99"), Ok("2000000099".to_owned()));
        assert_eq!(symbols.id(Entity::Room, "room_9c4d71da"), Ok("room_ad17d4c9".to_owned()));
        assert!(symbols.id(Entity::User, "2").is_err(), "a user of the transcript whose id is not known");
    }

    #[test]
    fn paths_and_keys_show_what_an_id_is_of() {
        let mut symbols = Symbols::new(0);
        symbols.bind(Entity::Room, "2", "20");
        symbols.bind(Entity::User, "2", "200");
        symbols.bind(Entity::Room, "room_85f0b427", "room_00000001");
        let fill = |path: &str| fill_path(&symbols, path).expect("known");
        assert_eq!(fill("/api/v1/rooms/2/members/2"), "/api/v1/rooms/20/members/200");
        assert_eq!(
            fill("/api/chat/messages?room_id=room_85f0b427&limit=2"),
            "/api/chat/messages?room_id=room_00000001&limit=2"
        );
        assert_eq!(fill("/api/v1/chat/messages?receiver_id=2"), "/api/v1/chat/messages?receiver_id=200");
        assert_eq!(fill("/api/chat/rooms/global/join"), "/api/chat/rooms/global/join");
        let of = |key: &str, object: Value| entity(key, object.as_object().expect("an object"));
        assert_eq!(of("reveiver_id", json!({"chat_type": "room"})), Some(Entity::Room));
        assert_eq!(of("receiver_id", json!({"chat_type": "private"})), Some(Entity::User));
        assert_eq!(of("id", json!({"is_private": true})), Some(Entity::Room));
        assert_eq!(of("content", json!({})), None);
    }
}
