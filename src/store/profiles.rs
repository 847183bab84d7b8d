//! Profiles: what others see of users, and changes as they are published on the channels of users.

use redis::Pipeline;
use serde::Deserialize;
use serde_json::json;

use super::Store;
use super::redis::reply;
use crate::domain::{ChangedProfile, Result, UserCard, UserId};

/// The fields of a card.
type CardFields = (Option<String>, Option<String>, Option<String>, Option<u8>);

impl Store {
    /// What others see of users, without those that do not exist: one round trip.
    pub async fn cards(&self, users: &[UserId]) -> Result<Vec<UserCard>> {
        let mut pipeline = Pipeline::with_capacity(users.len());
        for user in users {
            pipeline.cmd("HMGET").arg(self.keys.user(*user)).arg(&["name", "avatar", "status", "bot"]);
        }
        let mut cards = Vec::with_capacity(users.len());
        for (id, reply) in users.iter().zip(self.run_list(&pipeline).await?) {
            let (name, avatar, status, bot): CardFields = reply::read(reply)?;
            let Some(name) = name else { continue };
            let (avatar, status_text) = (avatar.unwrap_or_default(), status.unwrap_or_default());
            cards.push(UserCard { id: *id, name, avatar, status_text, is_bot: bot == Some(1) });
        }
        Ok(cards)
    }
}

/// A change as it travels.
#[derive(Deserialize)]
struct Announced {
    name: Option<String>,
    avatar: Option<String>,
    status: Option<String>,
}

/// The form in which a change is announced.
pub(super) fn encode_change(change: &ChangedProfile) -> String {
    let ChangedProfile { name, avatar, status_text } = change;
    json!({"name": name, "avatar": avatar, "status": status_text}).to_string()
}

/// Reads an announced change. `None` for one that this version does not understand.
pub(super) fn decode_change(text: &str) -> Option<ChangedProfile> {
    let Announced { name, avatar, status } = serde_json::from_str(text).ok()?;
    Some(ChangedProfile { name, avatar, status_text: status })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_round_trip() {
        let text = |text: &str| Some(text.to_owned());
        for change in [
            ChangedProfile::default(),
            ChangedProfile { name: text("李 雷"), avatar: text(""), status_text: None },
            ChangedProfile { name: None, avatar: text("/uploads/images/a.png"), status_text: text("\"a\" b") },
        ] {
            assert_eq!(decode_change(&encode_change(&change)), Some(change));
        }
        assert_eq!(decode_change(r#"{"later":1}"#), Some(ChangedProfile::default()));
        assert_eq!(decode_change(r#"{"name":1}"#), None);
    }
}
