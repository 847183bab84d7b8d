//! What users set for their conversations. It lies in the slot of the user: a hash with three letters for each room.

use redis::{Pipeline, Value};

use super::redis::reply::{array, text};
use super::redis::scripts::{self, Arg, Call};
use super::{Store, UserEvent};
use crate::domain::{ConversationChange, ConversationSettings, Error, Notify, Result, RoomId, UserId};

impl Store {
    /// Changes what a member of a room has set for it, and announces it to the user's connections if it differs: three round
    /// trips at most. Returns all settings.
    ///
    /// # Errors
    /// `RoomNotFound` for users who are no members.
    pub async fn change_conversation(
        &self,
        room: RoomId,
        user: UserId,
        change: ConversationChange,
    ) -> Result<ConversationSettings> {
        self.joined_at_ms(room, user).await?.ok_or(Error::RoomNotFound)?;
        let (change, default) = (encode_change(change), encode(ConversationSettings::default()));
        let call = Call {
            script: &scripts::CHANGE_CONVERSATION,
            keys: &[&self.keys.conversation_settings(user)],
            args: &[Arg::Number(room.number().into()), Arg::Text(&change), Arg::Text(&default)],
        };
        let reply = array(self.writer.run_script(&call, &[]).await?.0)?;
        let (before, settings) = read_change(&reply)?;
        if settings != before {
            let event = UserEvent::SettingsChanged { user, room, settings }.to_string();
            let mut pipeline = Pipeline::with_capacity(1);
            pipeline.add_command(self.keys.publish(&self.keys.users_live(user), &event));
            self.connection.run(&pipeline).await?;
        }
        Ok(settings)
    }

    /// Adds the command that forgets what a user has set for a room.
    pub(super) fn forget_settings(&self, pipeline: &mut Pipeline, room: RoomId, user: UserId) {
        pipeline.cmd("HDEL").arg(self.keys.conversation_settings(user)).arg(room.number());
    }
}

fn read_change(reply: &[Value]) -> Result<(ConversationSettings, ConversationSettings)> {
    let [before, after] = reply else { return Err(Error::internal("a reply of unexpected length")) };
    Ok((decode(text(before)?), decode(text(after)?)))
}

fn flag(is_set: bool) -> char {
    if is_set { '1' } else { '0' }
}

fn letter(notify: Notify) -> char {
    match notify {
        Notify::All => 'a',
        Notify::Mentions => 'm',
        Notify::None => 'n',
    }
}

/// Settings as they are kept, and as they travel.
pub(super) fn encode(settings: ConversationSettings) -> String {
    [letter(settings.notify), flag(settings.is_pinned), flag(settings.is_hidden)].into_iter().collect()
}

fn encode_change(ConversationChange { notify, is_pinned, is_hidden }: ConversationChange) -> String {
    let letters = [notify.map(letter), is_pinned.map(flag), is_hidden.map(flag)];
    letters.map(|letter| letter.unwrap_or('-')).into_iter().collect()
}

/// Reads settings. What this version does not know is as by default.
pub(super) fn decode(text: &str) -> ConversationSettings {
    let mut letters = text.chars();
    let notify = match letters.next() {
        Some('m') => Notify::Mentions,
        Some('n') => Notify::None,
        _ => Notify::All,
    };
    let mut is_set = || letters.next() == Some('1');
    ConversationSettings { notify, is_pinned: is_set(), is_hidden: is_set() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_round_trip() {
        for notify in [Notify::All, Notify::Mentions, Notify::None] {
            for (is_pinned, is_hidden) in [(false, false), (true, false), (false, true), (true, true)] {
                let settings = ConversationSettings { notify, is_pinned, is_hidden };
                assert_eq!(decode(&encode(settings)), settings);
            }
        }
        assert_eq!(decode(""), ConversationSettings::default());
        let change = ConversationChange { is_pinned: Some(true), ..ConversationChange::default() };
        assert_eq!(encode_change(change), "-1-");
    }
}
