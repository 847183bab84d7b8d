//! Patterns of responses: literal JSON with placeholders, and names for the values in their places.
//!
//! - `<uuid>`, `<time>`, `<millis>` (a time with milliseconds), `<room>`, `<token>`, `<session>`, `<digits>` stand for any such
//!   value, alone or inside a text; `<integer>` for a number, alone.
//! - `<uuid $message>` also remembers the value; from then on `$message` stands for it, in requests and responses.
//! - Everything else is literal: the same keys, no more and no fewer, the same types, the same texts.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};
use serde_json::Value;
use uuid::Uuid;

/// Times in responses are at most this old: no transcript takes longer.
const LONGEST_TRANSCRIPT: SignedDuration = SignedDuration::from_mins(5);

/// The values that a transcript remembers, and the format of its times.
pub struct Memory {
    values: HashMap<String, Value>,
    /// The zone of times that are written without one; otherwise times are UTC and end with `Z`.
    naive: Option<TimeZone>,
}

impl Memory {
    pub fn new(naive: Option<TimeZone>) -> Self {
        Self { values: HashMap::new(), naive }
    }

    /// Remembers a value by this name.
    pub fn remember(&mut self, name: &str, value: Value) {
        self.values.insert(name.to_owned(), value);
    }

    /// Replaces names by remembered values.
    pub fn fill(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => match text.strip_prefix('$').and_then(|name| self.values.get(name)) {
                Some(whole) => whole.clone(),
                None => self.fill_text(text).into(),
            },
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), self.fill(value))).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    /// The same within a text.
    pub fn fill_text(&self, text: &str) -> String {
        let mut pieces = text.split('$');
        let mut filled = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let end = piece.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(piece.len());
            let (name, rest) = piece.split_at(end);
            match self.values.get(name) {
                Some(Value::String(text)) => filled.push_str(text),
                Some(value) => filled.push_str(&value.to_string()),
                None => panic!("${name} was never seen"),
            }
            filled.push_str(rest);
        }
        filled
    }

    /// Compares a response with its pattern and records every difference with its path.
    pub fn compare(&mut self, pattern: &Value, found: &Value, place: &str, wrong: &mut Vec<String>) {
        match (pattern, found) {
            (Value::Object(wanted), Value::Object(came)) => {
                for (key, value) in came {
                    if !wanted.contains_key(key) {
                        wrong.push(format!("{place}.{key}: must not be there: {value}"));
                    }
                }
                for (key, pattern) in wanted {
                    match came.get(key) {
                        Some(value) => self.compare(pattern, value, &format!("{place}.{key}"), wrong),
                        None => wrong.push(format!("{place}.{key}: is missing")),
                    }
                }
            }
            (Value::Array(wanted), Value::Array(came)) => {
                if wanted.len() != came.len() {
                    wrong.push(format!("{place}: has {} items instead of {}: {found}", came.len(), wanted.len()));
                }
                for (index, (pattern, value)) in wanted.iter().zip(came).enumerate() {
                    self.compare(pattern, value, &format!("{place}[{index}]"), wrong);
                }
            }
            (Value::String(text), _) if self.matches(text, found) => {}
            (Value::Null | Value::Bool(_) | Value::Number(_), _) if pattern == found => {}
            _ => wrong.push(format!("{place}: {found} instead of {pattern}")),
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
            (_, _) => pattern.starts_with('$') && self.fill(&pattern.into()) == *found,
        }
    }

    fn matches_text(&mut self, pattern: &str, text: &str) -> bool {
        let Some((before, rest)) = pattern.split_once('<') else { return self.fill_text(pattern) == text };
        let Some(text) = text.strip_prefix(&self.fill_text(before)) else { return false };
        let (placeholder, after) = rest.split_once('>').expect("a placeholder ends with >");
        let placeholder = Placeholder::parse(placeholder);
        // The value of the placeholder ends at the next literal.
        let literal = after.split('<').next().unwrap_or_default();
        let end = if literal.is_empty() { Some(text.len()) } else { text.find(&self.fill_text(literal)) };
        let Some((value, text)) = end.map(|end| text.split_at(end)) else { return false };
        let is_such = match placeholder.kind {
            "uuid" => Uuid::try_parse(value).is_ok_and(|uuid| uuid.to_string() == value),
            "time" => self.is_time(value),
            "millis" => is_time_with_millis(value),
            "room" => is_room(value),
            "token" => value.split('.').count() == 3 && value.len() > 60,
            "session" => value.len() == 16 && value.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
            "digits" => !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()),
            other => panic!("<{other}> is no placeholder in a text"),
        };
        if let Some(name) = placeholder.name {
            self.remember(name, value.into());
        }
        is_such && self.matches_text(after, text)
    }

    /// Whole seconds, `2024-01-15T10:30:00Z` or without `Z`, and about now.
    fn is_time(&self, text: &str) -> bool {
        let time = match &self.naive {
            None if text.len() == "2024-01-15T10:30:00Z".len() && text.ends_with('Z') => text.parse::<Timestamp>().ok(),
            Some(zone) if text.len() == "2024-01-15T10:30:00".len() => {
                let local = text.parse::<civil::DateTime>().ok();
                local.and_then(|local| local.to_zoned_datetime(zone.clone()).ok()).map(|time| time.timestamp())
            }
            _ => None,
        };
        time.is_some_and(|time| Timestamp::now().duration_since(time).abs() < LONGEST_TRANSCRIPT)
    }
}

/// Times of added fields have milliseconds: `2024-01-15T10:30:00.123Z`, about now.
fn is_time_with_millis(text: &str) -> bool {
    let has_form = text.len() == "2024-01-15T10:30:00.123Z".len() && text.as_bytes()[19] == b'.' && text.ends_with('Z');
    let time = text.parse::<Timestamp>().ok().filter(|_| has_form);
    time.is_some_and(|time| Timestamp::now().duration_since(time).abs() < LONGEST_TRANSCRIPT)
}

/// Document 003, §6: `room_a1b2c3d4`.
fn is_room(text: &str) -> bool {
    text.strip_prefix("room_")
        .is_some_and(|hex| hex.len() == 8 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
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
        assert_eq!(memory.fill_text("/rooms/$room/$id?x"), "/rooms/room_a1b2c3d4/7?x");
        assert_eq!(memory.fill(&json!(["$id", "no. $id"])), json!([7, "no. 7"]));
        memory.compare(&json!({"reply_to": "$room"}), &json!({"reply_to": "room_a1b2c3d4"}), "it", &mut wrong);
        memory.compare(&json!(["$id"]), &json!([7]), "it", &mut wrong);
        assert_eq!(wrong, [""; 0]);
        memory.compare(&json!(["$id"]), &json!([8]), "it", &mut wrong);
        assert_eq!(wrong, ["it[0]: 8 instead of \"$id\""]);
    }
}
