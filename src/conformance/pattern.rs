//! Patterns of responses: literal JSON with placeholders, and names for the values in their places.
//!
//! - `<uuid>`, `<time>`, `<millis>` (a time with milliseconds), `<later>` (one in the future), `<room>`, `<token>`, `<session>`,
//!   `<link>` (the token of a link), `<vapid>` (a public key), `<digest>`, `<digits>`, `<origin>` stand for
//!   any such value, alone or inside a text; `<integer>` for a number, alone.
//! - `<uuid $message>` also remembers the value; from then on `$message` stands for it, in requests and responses.
//! - Everything else is literal: the same keys, no more and no fewer, the same types, the same texts.

use std::net::IpAddr;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::memory::{Memory, Server};
use super::symbols::{self, Entity, Symbols, Unknown, entity, symbol};

/// Times in responses are at most this old: no transcript takes longer.
const LONGEST_TRANSCRIPT: SignedDuration = SignedDuration::from_mins(5);
/// No zone is further from UTC.
const FURTHEST_ZONE: SignedDuration = SignedDuration::from_hours(15);
/// Numbers that grow with whatever else a server has.
const TOTALS: [&str; 3] = ["online_users_count", "total_messages_today", "active_rooms"];

impl Memory {
    /// Compares a response with its pattern and records every difference with its path.
    pub(super) fn compare(&mut self, pattern: &Value, found: &Value, place: &str, wrong: &mut Vec<String>) {
        self.compare_as(pattern, found, None, place, wrong);
    }

    /// The same where others may have added to lists: what the pattern has must be there, in its order.
    pub(super) fn compare_shared(&mut self, pattern: &Value, found: &Value, place: &str, wrong: &mut Vec<String>) {
        match (pattern, found) {
            (Value::Array(wanted), Value::Array(came)) if matches!(self.server, Server::Used(_)) => {
                self.compare_list(wanted, came, None, place, wrong);
            }
            (Value::Object(wanted), Value::Object(came)) if wanted.contains_key("data") => {
                let mut rest = (wanted.clone(), came.clone());
                let (data, found) = (rest.0.remove("data"), rest.1.remove("data"));
                self.compare(&rest.0.into(), &rest.1.into(), place, wrong);
                let (data, found) = (data.unwrap_or_default(), found.unwrap_or_default());
                self.compare_shared(&data, &found, &format!("{place}.data"), wrong);
            }
            _ => self.compare(pattern, found, place, wrong),
        }
    }

    /// Looks for each item after the previous one.
    fn compare_list(
        &mut self,
        wanted: &[Value],
        came: &[Value],
        of: Option<Entity>,
        place: &str,
        wrong: &mut Vec<String>,
    ) {
        let mut rest = came.iter();
        for (index, pattern) in wanted.iter().enumerate() {
            let mut differences = Vec::new();
            let found = rest.clone().position(|item| {
                let (mut memory, mut others) = (self.clone(), Vec::new());
                memory.compare_as(pattern, item, of, &format!("{place}[{index}]"), &mut others);
                if others.is_empty() {
                    *self = memory;
                    return true;
                }
                if differences.is_empty() || others.len() < differences.len() {
                    differences = others;
                }
                false
            });
            match found {
                Some(position) => drop(rest.nth(position)),
                None if differences.is_empty() => wrong.push(format!("{place}[{index}]: is missing")),
                None => wrong.append(&mut differences),
            }
        }
    }

    fn compare_as(&mut self, pattern: &Value, found: &Value, of: Option<Entity>, place: &str, wrong: &mut Vec<String>) {
        if let (Server::Used(symbols), Some(of), Some(symbol)) = (&mut self.server, of, symbol(pattern)) {
            if !is_id(symbols, of, &symbol, pattern, found) {
                let wanted = symbols.id(of, &symbol).unwrap_or(symbol);
                wrong.push(format!("{place}: {found} instead of {wanted}"));
            }
            return;
        }
        match (pattern, found) {
            (Value::Object(wanted), Value::Object(came)) => self.compare_objects(wanted, came, place, wrong),
            (Value::Array(wanted), Value::Array(came)) => {
                let is_shared = of == Some(Entity::User) && matches!(self.server, Server::Used(_));
                if is_shared {
                    return self.compare_list(wanted, came, of, place, wrong);
                }
                if wanted.len() != came.len() {
                    wrong.push(format!("{place}: has {} items instead of {}: {found}", came.len(), wanted.len()));
                }
                for (index, (pattern, value)) in wanted.iter().zip(came).enumerate() {
                    self.compare_as(pattern, value, of, &format!("{place}[{index}]"), wrong);
                }
            }
            (Value::String(text), _) if self.matches(text, found) => {}
            (Value::Null | Value::Bool(_) | Value::Number(_), _) if pattern == found => {}
            _ => wrong.push(format!("{place}: {found} instead of {pattern}")),
        }
    }

    fn compare_objects(
        &mut self,
        wanted: &Map<String, Value>,
        came: &Map<String, Value>,
        place: &str,
        wrong: &mut Vec<String>,
    ) {
        for (key, value) in came {
            if !wanted.contains_key(key) {
                wrong.push(format!("{place}.{key}: must not be there: {value}"));
            }
        }
        for (key, pattern) in wanted {
            match came.get(key) {
                Some(value) if self.may_differ(key, wanted, value) => {}
                Some(value) => {
                    self.compare_as(pattern, value, entity(key, wanted), &format!("{place}.{key}"), wrong);
                }
                None => wrong.push(format!("{place}.{key}: is missing")),
            }
        }
    }

    /// Whether the value of a key depends on what else a server has, or on how it is reached.
    fn may_differ(&self, key: &str, wanted: &Map<String, Value>, found: &Value) -> bool {
        if !matches!(self.server, Server::Used(_)) {
            return false;
        }
        let pattern = &wanted[key];
        let is_of_old = wanted.contains_key("members") || wanted.contains_key("updated_at");
        match key {
            "ip" => found.as_str().is_some_and(|ip| ip.is_empty() || ip.parse::<IpAddr>().is_ok()),
            "email" => pattern == "" && found.is_string(),
            // Rooms and accounts that were there before.
            "created_at" if is_of_old => is_past(found),
            "updated_at" | "login_time" => is_past(found),
            "last_message" => pattern.is_null() && found.is_object(),
            _ if TOTALS.contains(&key) => found.as_u64() >= pattern.as_u64() && found.is_u64(),
            _ => false,
        }
    }

    fn matches(&mut self, pattern: &str, found: &Value) -> bool {
        match (Placeholder::alone(pattern), found) {
            (Some(Placeholder { kind: "integer", name }), _) => {
                if let Some(name) = name {
                    self.remember(name, found.clone());
                }
                found.is_u64()
            }
            (_, Value::String(text)) => self.matches_text(pattern, text),
            (_, _) => pattern.starts_with('$') && self.fill(&pattern.into()).is_ok_and(|value| value == *found),
        }
    }

    fn matches_text(&mut self, pattern: &str, text: &str) -> bool {
        let is = |filled: Result<String, Unknown>| filled.is_ok_and(|filled| filled == text);
        let Some((before, rest)) = pattern.split_once('<') else { return is(self.fill_text(pattern)) };
        let Ok(before) = self.fill_text(before) else { return false };
        let Some(text) = text.strip_prefix(&before) else { return false };
        let Some((placeholder, after)) = rest.split_once('>') else { return is(Ok(pattern.to_owned())) };
        let placeholder = Placeholder::parse(placeholder);
        // The value of the placeholder ends at the next literal.
        let literal = after.split('<').next().unwrap_or_default();
        let Ok(literal) = self.fill_text(literal) else { return false };
        let end = if literal.is_empty() { Some(text.len()) } else { text.find(&literal) };
        let Some((value, text)) = end.map(|end| text.split_at(end)) else { return false };
        let is_such = match placeholder.kind {
            "uuid" => Uuid::try_parse(value).is_ok_and(|uuid| uuid.to_string() == value),
            "time" => self.is_time(value),
            "millis" => is_time_with_millis(value),
            "later" => has_millis(value).is_some_and(|time| time > Timestamp::now()),
            "link" => value.len() == 34 && value.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'z')),
            "digest" => value.len() == 32 && value.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
            "vapid" => value.len() == 87 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'),
            "room" => symbols::is_room(value),
            "origin" => value.starts_with("http://") || value.starts_with("https://"),
            "token" => value.split('.').count() == 3 && value.len() > 60,
            "session" => value.len() == 16 && value.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
            "digits" => !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()),
            _ => false,
        };
        if let Some(name) = placeholder.name {
            self.remember(name, value.into());
        }
        is_such && self.matches_text(after, text)
    }

    /// Whole seconds, `2024-01-15T10:30:00Z` or without `Z`, and about now.
    fn is_time(&self, text: &str) -> bool {
        let has_zone = text.ends_with('Z');
        let (time, longest) = match &self.server {
            Server::Used(_) if !has_zone => (time_in(&TimeZone::UTC, text), FURTHEST_ZONE),
            Server::Empty { naive: Some(zone) } => (time_in(zone, text), LONGEST_TRANSCRIPT),
            Server::Empty { naive: None } | Server::Used(_) => (time_with_zone(text), LONGEST_TRANSCRIPT),
        };
        time.is_some_and(|time| Timestamp::now().duration_since(time).abs() < longest)
    }
}

/// Whether a value has the type of its symbol and is the id for which it stands.
fn is_id(symbols: &mut Symbols, of: Entity, symbol: &str, pattern: &Value, found: &Value) -> bool {
    match (pattern, found) {
        (Value::Number(_), Value::Number(number)) if number.is_u64() => symbols.is(of, symbol, &number.to_string()),
        (Value::String(_), Value::String(text)) if !text.is_empty() => symbols.is(of, symbol, text),
        _ => false,
    }
}

fn is_past(found: &Value) -> bool {
    let time = found.as_str().and_then(|text| time_with_zone(text).or_else(|| time_in(&TimeZone::UTC, text)));
    time.is_some_and(|time| time.duration_since(Timestamp::now()) < FURTHEST_ZONE)
}

fn time_with_zone(text: &str) -> Option<Timestamp> {
    let has_form = text.len() == "2024-01-15T10:30:00Z".len() && text.ends_with('Z');
    text.parse().ok().filter(|_| has_form)
}

fn time_in(zone: &TimeZone, text: &str) -> Option<Timestamp> {
    let local = text.parse::<civil::DateTime>().ok().filter(|_| text.len() == "2024-01-15T10:30:00".len())?;
    local.to_zoned_datetime(zone.clone()).ok().map(|time| time.timestamp())
}

/// Times of added fields have milliseconds: `2024-01-15T10:30:00.123Z`, about now.
fn is_time_with_millis(text: &str) -> bool {
    has_millis(text).is_some_and(|time| Timestamp::now().duration_since(time).abs() < LONGEST_TRANSCRIPT)
}

fn has_millis(text: &str) -> Option<Timestamp> {
    let has_form = text.len() == "2024-01-15T10:30:00.123Z".len() && text.as_bytes()[19] == b'.' && text.ends_with('Z');
    text.parse().ok().filter(|_| has_form)
}

/// `<kind>` or `<kind $name>`.
struct Placeholder<'a> {
    kind: &'a str,
    name: Option<&'a str>,
}

impl<'a> Placeholder<'a> {
    fn parse(text: &'a str) -> Self {
        match text.split_once(" $") {
            Some((kind, name)) => Self { kind, name: Some(name) },
            None => Self { kind: text, name: None },
        }
    }

    /// The placeholder that a text consists of.
    fn alone(text: &'a str) -> Option<Self> {
        text.strip_prefix('<')?.strip_suffix('>').filter(|inside| !inside.contains('<')).map(Self::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn differences(pattern: &Value, found: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        Memory::new(None).compare(pattern, found, "it", &mut wrong);
        wrong
    }

    #[test]
    fn keys_types_and_texts_must_be_the_same() {
        assert_eq!(differences(&json!({"a": [1, null]}), &json!({"a": [1, null]})), [""; 0]);
        assert_eq!(differences(&json!({"a": 1}), &json!({"a": 1, "b": 2})), ["it.b: must not be there: 2"]);
        assert_eq!(differences(&json!({"a": null}), &json!({})), ["it.a: is missing"]);
        for (pattern, found) in [(json!(1), json!("1")), (json!(null), json!(0)), (json!("a"), json!("b"))] {
            assert_eq!(differences(&pattern, &found).len(), 1, "{pattern} {found}");
        }
        assert_eq!(differences(&json!([1]), &json!([1, 2])), ["it: has 2 items instead of 1: [1,2]"]);
    }

    #[test]
    fn placeholders_take_their_kind_only() {
        let id = "0190a1b2-c3d4-8001-8000-000000000001";
        let now = Timestamp::now().round(jiff::Unit::Second).expect("a second").to_string();
        let fits = [
            ("<uuid>", json!(id)),
            ("<time>", json!(now)),
            ("<millis>", json!(now.replace('Z', ".007Z"))),
            ("<room>", json!("room_a1b2c3d4")),
            ("<integer>", json!(7)),
            ("<digits>", json!("7")),
            ("<session>", json!("0123456789abcdef")),
            ("/uploads/chat/<uuid>.jpg", json!(format!("/uploads/chat/{id}.jpg"))),
        ];
        for (pattern, found) in fits {
            assert_eq!(differences(&json!(pattern), &found), [""; 0]);
        }
        let other = [
            ("<uuid>", json!(id.to_uppercase())),
            ("<time>", json!("2024-01-15T10:30:00Z")),
            ("<time>", json!(now.trim_end_matches('Z'))),
            ("<millis>", json!(now)),
            ("<room>", json!("global")),
            ("<integer>", json!("7")),
            ("<integer>", json!(7.5)),
            ("<digits>", json!("7a")),
            ("<session>", json!("0123456789abcdeF")),
            ("<token>", json!("a.b")),
            ("/uploads/chat/<uuid>.jpg", json!(format!("/uploads/chat/{id}.png"))),
        ];
        for (pattern, found) in other {
            assert_eq!(differences(&json!(pattern), &found).len(), 1, "{pattern} {found}");
        }
    }

    #[test]
    fn what_was_seen_is_known_by_its_name() {
        let (mut memory, mut wrong) = (Memory::new(None), Vec::new());
        let pattern = json!({"id": "<integer $id>", "room": "<room $room>"});
        memory.compare(&pattern, &json!({"id": 7, "room": "room_a1b2c3d4"}), "it", &mut wrong);
        assert_eq!(memory.fill_text("/rooms/$room/$id?x"), Ok("/rooms/room_a1b2c3d4/7?x".to_owned()));
        assert_eq!(memory.fill(&json!(["$id", "no. $id"])), Ok(json!([7, "no. 7"])));
        assert_eq!(memory.fill_text("$other"), Err(Unknown("$other".to_owned())));
        memory.compare(&json!({"reply_to": "$room"}), &json!({"reply_to": "room_a1b2c3d4"}), "it", &mut wrong);
        memory.compare(&json!(["$id"]), &json!([7]), "it", &mut wrong);
        assert_eq!(wrong, [""; 0]);
        memory.compare(&json!(["$id"]), &json!([8]), "it", &mut wrong);
        assert_eq!(wrong, ["it[0]: 8 instead of \"$id\""]);
    }

    #[test]
    fn another_server_has_ids_and_users_of_its_own() {
        let mut memory = Memory::of(Symbols::new(2));
        let mut differences = |pattern: Value, found: Value| {
            let mut wrong = Vec::new();
            memory.compare_shared(&pattern, &found, "it", &mut wrong);
            wrong
        };
        let message = |id: u64, sender: u64| json!({"id": id, "sender_id": sender, "content": "x"});
        assert_eq!(differences(message(7, 1), message(70, 10)), [""; 0]);
        assert_eq!(
            differences(message(7, 2), message(71, 10)).len(),
            2,
            "another message, and the sender of the first"
        );
        let others = json!([message(99, 9), message(70, 10), message(98, 9)]);
        assert_eq!(differences(json!([message(7, 1)]), others.clone()), [""; 0]);
        assert!(!differences(json!([message(7, 1), message(7, 1)]), others).is_empty(), "it is there once");
        assert_eq!(differences(json!({"active_rooms": 1}), json!({"active_rooms": 5})), [""; 0]);
        assert_eq!(differences(json!({"active_rooms": 1}), json!({"active_rooms": 0})).len(), 1);
        assert_eq!(
            memory.fill(&json!({"room_id": 77, "sender_id": 1})),
            Ok(json!({"room_id": 2_000_000_077, "sender_id": 10}))
        );
    }
}
