//! Deletion of accounts.
//!
//! What belongs to an account is in many slots, and a node may fail at any point, so a deletion is recorded in one set
//! of all users before it begins. One script then ends the account: from that moment nobody logs in, and the number
//! reads as [`DELETED_NAME`]. Everything after it is repeated by any node's housekeeping, at least once: requests that
//! were in progress may have added something meanwhile. Each step may be repeated. Readers skip what a late login adds
//! to the index of names.
//!
//! Messages carry the name at sending and stay as they are stored. Nodes know the accounts that were deleted within the
//! retention of messages, and replace their names when they read messages.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use redis::Pipeline;
use tracing::warn;

use super::redis::reply::{self, is_absent, next, text};
use super::redis::scripts::{self, Arg, Call};
use super::stored::RoomEntry;
use super::uploads::PictureOwner;
use super::{MemberChange, Store, UserEvent};
use crate::domain::{
    Caller, DELETED_NAME, Error, Message, Notice, NoticeKind, Result, RoomId, RoomKind, UserId, UserRef,
};

/// Age from which housekeeping repeats a deletion. Requests that were in progress have ended by then.
const REPEATED_AFTER_MS: u64 = 30 * 1000;
/// Age from which a deletion that has not ended the account never will.
const ABANDONED_AFTER_MS: u64 = 10 * 60 * 1000;
const REPEATED_AT_ONCE: usize = 100;
/// Maximum number of readings of the list of a user's rooms.
const MOST_READINGS: usize = 100;
/// How much longer than any message a name stays reserved.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// The users whose accounts were deleted within the retention of messages. Shared by the stores of a node.
#[derive(Clone, Default)]
pub(super) struct DeletedUsers(Arc<RwLock<HashMap<UserId, u64>>>);

impl DeletedUsers {
    pub(super) fn note(&self, user: UserId, at_ms: u64) {
        self.0.write().expect("no panic while held").insert(user, at_ms);
    }

    /// Drops all but those of these times.
    pub(super) fn retain(&self, is_kept: impl Fn(u64) -> bool) {
        self.0.write().expect("no panic while held").retain(|_, at_ms| is_kept(*at_ms));
    }

    /// Replaces the names of deleted users in messages.
    pub(super) fn rename_in<'a>(&self, messages: impl IntoIterator<Item = &'a mut Message>) {
        let deleted = self.0.read().expect("no panic while held");
        if deleted.is_empty() {
            return;
        }
        let rename = |user: &mut UserRef| {
            let is_deleted = deleted.contains_key(&user.id);
            if is_deleted {
                DELETED_NAME.clone_into(&mut user.name);
            }
            is_deleted
        };
        for message in messages {
            rename(&mut message.sender);
            if let Some(origin) = &mut message.forwarded_from {
                rename(&mut origin.sender);
            }
            let Some(notice) = &mut message.notice else { continue };
            let has_actor = notice.actor.as_mut().is_some_and(rename);
            if rename(&mut notice.user) || has_actor {
                message.text = notice.text();
            }
        }
    }
}

impl Store {
    /// Deletes an account and ends its tokens on all nodes. `checked` is the hash of the password that was checked; empty
    /// for an administrator. Returns the first valid epoch of tokens.
    ///
    /// # Errors
    /// `UserNotFound`; `WrongPassword` when the password that was checked has changed since.
    pub async fn delete_account(&self, user: UserId, checked: &str) -> Result<u64> {
        let (account, mut note) = (self.keys.user(user), redis::cmd("ZADD"));
        note.arg(self.keys.deleting()).arg(self.now_ms()).arg(user.0);
        let args = [Arg::Text(checked), Arg::Text(DELETED_NAME)];
        let call = Call { script: &scripts::DELETE_ACCOUNT, keys: &[&account], args: &args };
        let reply = self.writer.run_script_after(&[note], &call, &[]).await?.0;
        let is_refused = is_absent(&reply) || text(&reply).is_ok();
        if is_refused {
            // The record stays: another call may have deleted the account just now. Otherwise housekeeping removes it.
            return Err(if is_absent(&reply) { Error::UserNotFound } else { Error::WrongPassword });
        }
        let (epoch, at_ms): (u64, u64) = reply::read(reply)?;
        self.announce_revocation(user, epoch).await?;
        if let Err(error) = self.finish_deletion(user, at_ms).await {
            warn!(user.id = %user, %error, "could not finish the deletion of an account; a node's housekeeping will");
        }
        Ok(epoch)
    }

    /// Records that an account was deleted.
    pub fn note_deleted(&self, user: UserId, at_ms: u64) {
        self.gathered_activity.forget(user);
        self.deleted_users.note(user, at_ms);
    }

    /// Repeats deletions, for nodes that failed and for what was added while they ran. Each node calls it once a minute.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn finish_deletions(&self) -> Result<()> {
        let now_ms = self.now_ms();
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZRANGE").arg(self.keys.deleting()).arg("-inf").arg(now_ms.saturating_sub(REPEATED_AFTER_MS));
        pipeline.arg(&["BYSCORE", "LIMIT", "0"]).arg(REPEATED_AT_ONCE).arg("WITHSCORES");
        let noted: Vec<(u64, f64)> = reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        for (user, noted_at_ms) in noted {
            let user = UserId(user);
            let may_begin = now_ms.saturating_sub(noted_at_ms as u64) < ABANDONED_AFTER_MS;
            // One that fails must not keep the others waiting.
            if let Err(error) = self.repeat_deletion(user, may_begin).await {
                warn!(user.id = %user, %error, "could not repeat the deletion of an account");
            }
        }
        Ok(())
    }

    /// Repeats a deletion and removes its record, unless it has not begun and may still do so.
    async fn repeat_deletion(&self, user: UserId, may_begin: bool) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HMGET").arg(self.keys.user(user)).arg(&["deleted", "epoch"]);
        let reply = next(&mut self.connection.run(&pipeline).await?.into_iter())?;
        match reply::read(reply)? {
            (Some(at_ms), Some(epoch)) => {
                self.announce_revocation(user, epoch).await?;
                self.finish_deletion(user, at_ms).await?;
            }
            (None, _) | (_, None) if may_begin => return Ok(()),
            (None, _) | (_, None) => {}
        }
        self.forget_deletion(user).await
    }

    async fn forget_deletion(&self, user: UserId) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZREM").arg(self.keys.deleting()).arg(user.0);
        self.connection.run(&pipeline).await.map(drop)
    }

    /// What follows the end of an account.
    async fn finish_deletion(&self, user: UserId, at_ms: u64) -> Result<()> {
        let event = UserEvent::Deleted { user, at_ms };
        self.announce_change(&self.keys.deleted(), &user.to_string(), at_ms, &event).await?;
        self.note_deleted(user, at_ms);
        self.release_identity(user).await?;
        self.leave_all_rooms(user).await?;
        self.keep_picture(PictureOwner::User(user), None).await?;
        let mut pipeline = Pipeline::with_capacity(3);
        pipeline.cmd("DEL").arg(&self.keys.of_deleted(user));
        pipeline.cmd("ZREM").arg(self.keys.online_of(user)).arg(user.0);
        pipeline.cmd("ZREM").arg(self.keys.connected_of(user)).arg(user.0);
        self.connection.run(&pipeline).await.map(drop)
    }

    /// Reserves the name of a deleted account until no message carries it any more, and releases its e-mail address.
    async fn release_identity(&self, user: UserId) -> Result<()> {
        let account = self.keys.user(user);
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HMGET").arg(&account).arg(&["former", "address"]);
        let reply = next(&mut self.connection.run(&pipeline).await?.into_iter())?;
        let (Some(name), Some(email)): (Option<String>, Option<String>) = reply::read(reply)? else { return Ok(()) };
        let reserved_ms = self.retention.max_age_ms + DAY_MS;
        self.release_keys(user, &name, &email, reserved_ms).await?;
        self.release_look_alikes(user, &name, None).await?;
        let mut pipeline = Pipeline::new();
        self.unindex_user(&mut pipeline, user, &name);
        self.connection.run(&pipeline).await?;
        // Last: by then a repetition would find another user's name.
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HDEL").arg(&account).arg(&["former", "address"]);
        self.writer.run(&pipeline).await.map(drop)
    }

    async fn leave_all_rooms(&self, user: UserId) -> Result<()> {
        // One read of the list is bounded, and lists of earlier versions may be longer.
        for _ in 0..MOST_READINGS {
            let rooms: Vec<RoomEntry> = self.rooms_of(user).await?;
            let rooms: Vec<RoomEntry> = rooms.into_iter().filter(|entry| entry.room != RoomId::GLOBAL).collect();
            if rooms.is_empty() {
                break;
            }
            self.leave_rooms(user, &rooms).await?;
        }
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZREM").arg(self.keys.room(RoomId::GLOBAL).members).arg(user.0);
        self.writer.run(&pipeline).await.map(drop)
    }

    async fn leave_rooms(&self, user: UserId, rooms: &[RoomEntry]) -> Result<()> {
        let caller = Caller { id: user, name: DELETED_NAME.to_owned(), logged_in_at_secs: 0 };
        // Before the rooms forget the user.
        let ids: Vec<RoomId> = rooms.iter().map(|entry| entry.room).collect();
        self.announce_presence(user, false, UserEvent::rooms_and_name(&ids, DELETED_NAME)).await?;
        let notice = Notice::by_user(NoticeKind::Left, &caller);
        for entry in rooms {
            let room = entry.room;
            if entry.kind == RoomKind::Direct {
                self.leave_direct(room, user).await?;
                continue;
            }
            let change =
                MemberChange { room, actor: &caller, notice: &notice, rate: None, is_imposed: false, link: None };
            match self.remove_member(&change).await {
                Ok(()) | Err(Error::UserNotFound | Error::RoomNotFound) => {}
                Err(error) => return Err(error),
            }
        }
        let numbers: Vec<u32> = ids.into_iter().map(RoomId::number).collect();
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZREM").arg(self.keys.user_rooms(user)).arg(numbers);
        self.writer.run(&pipeline).await.map(drop)
    }

    async fn leave_direct(&self, room: RoomId, user: UserId) -> Result<()> {
        let keys = self.keys.room(room);
        let args = [Arg::Number(user.0), Arg::Number(self.retention.max_age_ms)];
        let call = Call { script: &scripts::LEAVE_DIRECT, keys: &[&keys.room, &keys.members], args: &args };
        self.writer.run_script(&call, &[]).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_deleted_users_are_replaced_wherever_a_message_has_them() {
        let deleted = DeletedUsers::default();
        deleted.note(UserId(3), 7);
        let user = |id, name: &str| UserRef { id: UserId(id), name: name.to_owned() };
        let mut messages: Vec<Message> = (1..=4).map(|seq| Message::sample(1, seq, 1)).collect();
        messages[0].sender = user(3, "Bob");
        messages[1].sender = user(4, "Carol");
        let added = |actor: UserRef, user: UserRef| {
            let notice = Notice { kind: NoticeKind::Added, actor: Some(actor), user };
            (notice.text(), Some(notice))
        };
        (messages[2].text, messages[2].notice) = added(user(3, "Bob"), user(4, "Carol"));
        (messages[3].text, messages[3].notice) = added(user(4, "Carol"), user(3, "Bob"));
        deleted.rename_in(&mut messages);
        assert_eq!(messages[0].sender, user(3, "已注销"));
        assert_eq!(messages[1].sender, user(4, "Carol"));
        assert_eq!(messages[2].text, "已注销 邀请 Carol 加入了聊天室");
        assert_eq!(messages[3].text, "Carol 邀请 已注销 加入了聊天室");
        deleted.retain(|at_ms| at_ms > 7);
        messages[0].sender = user(3, "Bob");
        deleted.rename_in(&mut messages);
        assert_eq!(messages[0].sender, user(3, "Bob"));
    }
}
