//! What users set for their conversations. They are in the slot of the user: a hash with three letters for each room.

use redis::{Pipeline, Value};

use super::redis::reply::{array, text};
use super::redis::scripts::{self, Arg, Call};
use super::setting_letters::{decode, encode, encode_change};
use super::{Store, UserEvent};
use crate::domain::{ConversationChange, ConversationSettings, Error, Result, RoomId, UserId};

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

    /// Adds the command that removes the settings of a user for a room.
    pub(super) fn forget_settings(&self, pipeline: &mut Pipeline, room: RoomId, user: UserId) {
        pipeline.cmd("HDEL").arg(self.keys.conversation_settings(user)).arg(room.number());
    }
}

fn read_change(reply: &[Value]) -> Result<(ConversationSettings, ConversationSettings)> {
    let [before, after] = reply else { return Err(Error::internal("a reply of unexpected length")) };
    Ok((decode(text(before)?), decode(text(after)?)))
}
