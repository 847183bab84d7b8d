//! How messages read: text, reactions, pin and mentions, kept by the rules for clients of document 000 with `?ext=1`.

use std::collections::{BTreeMap, BTreeSet};

use chinwag::domain::{MessageId, Seq};
use serde_json::Value;

/// How a message reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    pub text: String,
    /// When the text was last replaced, if it was.
    pub edited_at: Option<String>,
    /// The users who reacted, by emoji.
    pub reactions: BTreeMap<String, BTreeSet<u64>>,
    pub is_pinned: bool,
    /// The users whom it mentions.
    pub mentions: BTreeSet<u64>,
}

impl Reading {
    /// Reads a message.
    pub fn of(message: &Value) -> Self {
        Self {
            text: message["content"].as_str().expect("text").to_owned(),
            edited_at: message["edited_at"].as_str().map(str::to_owned),
            reactions: reactions_of(&message["reactions"]),
            is_pinned: message["pinned"] == true,
            mentions: mentions_of(message),
        }
    }

    /// The number of the edit whose text this is; 0 for the first text.
    fn version(&self) -> u64 {
        version_of(&self.text)
    }
}

/// The text of an edit of the message whose first text began with `client_id`.
pub fn edited_text(client_id: &str, version: u64) -> String {
    format!("{client_id} v{version}")
}

fn version_of(text: &str) -> u64 {
    text.rsplit_once(" v").and_then(|(_, version)| version.parse().ok()).unwrap_or(0)
}

/// The users whom a message mentions, or does after a change.
fn mentions_of(payload: &Value) -> BTreeSet<u64> {
    let mentions = payload["mentions"].as_array().into_iter().flatten();
    mentions.filter_map(|mention| mention["user_id"].as_u64()).collect()
}

fn reactions_of(list: &Value) -> BTreeMap<String, BTreeSet<u64>> {
    let kind = |reaction: &Value| {
        let users = reaction["users"].as_array().expect("a list").iter().filter_map(Value::as_u64);
        (reaction["emoji"].as_str().expect("text").to_owned(), users.collect())
    };
    list.as_array().into_iter().flatten().map(kind).collect()
}

/// The messages of a room as a client shows them.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    pub by_seq: BTreeMap<Seq, Reading>,
    /// How often an older text replaced a newer one.
    pub outdated: usize,
}

impl Readings {
    /// Shows a message that was pushed or listed. A text that is older than the one that is shown came late.
    pub fn take(&mut self, seq: Seq, mut reading: Reading) {
        if let Some(shown) = self.by_seq.get(&seq) {
            if reading.edited_at < shown.edited_at {
                (reading.text, reading.edited_at) = (shown.text.clone(), shown.edited_at.clone());
                reading.mentions.clone_from(&shown.mentions);
            }
            self.outdated += usize::from(reading.version() < shown.version());
        }
        self.by_seq.insert(seq, reading);
    }

    /// Changes a message as the frame of an amendment says. Does nothing for a message that is not shown.
    pub fn amend(&mut self, frame: &Value) {
        let payload = &frame["payload"];
        let id = payload["id"].as_u64().and_then(MessageId::from_integer);
        let Some(reading) = id.and_then(|(_, seq)| self.by_seq.get_mut(&seq)) else { return };
        match frame["type"].as_str() {
            Some("message_edited") => {
                let (text, edited_at) = (payload["content"].as_str().expect("text"), payload["edited_at"].as_str());
                if edited_at >= reading.edited_at.as_deref() {
                    self.outdated += usize::from(version_of(text) < reading.version());
                    (reading.text, reading.edited_at) = (text.to_owned(), edited_at.map(str::to_owned));
                }
            }
            Some("mentions_changed") => reading.mentions = mentions_of(payload),
            Some("reaction") => {
                let (emoji, user) = (payload["emoji"].as_str().expect("text"), payload["user_id"].as_u64());
                let (users, user) = (reading.reactions.entry(emoji.to_owned()).or_default(), user.expect("a number"));
                let _is_change = if payload["on"] == true { users.insert(user) } else { users.remove(&user) };
                reading.reactions.retain(|_, users| !users.is_empty());
            }
            Some("reactions") => reading.reactions = reactions_of(&payload["reactions"]),
            Some("pinned") => reading.is_pinned = payload["on"] == true,
            _ => {}
        }
    }

    /// Whether all that is shown reads as it is stored.
    pub fn agree_with(&self, truth: &BTreeMap<Seq, Reading>) -> bool {
        self.by_seq.iter().all(|(seq, reading)| truth.get(seq).is_none_or(|stored| stored == reading))
    }
}
