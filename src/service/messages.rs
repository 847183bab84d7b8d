//! Messages: sending, reading and deleting.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::access::{Action, authorise};
use super::hooked_rooms::HookedRooms;
use super::limits::Limits;
use super::pace::Pace;
use super::push::Alerts;
use super::stored_file::StoredFile;
use super::uploads::Uploads;
use super::watermarks::Watermarks;
use crate::domain::{
    Caller, ClientId, Content, CountsAs, Emoji, EntryId, Error, Field, HistoryPage, HistoryQuery, Kind, Limit, Message,
    MessageId, MessageKind, NewMessage, Result, RoomHead, RoomId, Seq, Span, Status, UserId,
};
use crate::metrics::{Count, Metrics};
use crate::store::{Appended, NewText, ReadRange, Store};

/// How long a message may be edited.
const EDITABLE: Duration = Duration::from_hours(24);

/// The receiver of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// All members of a room.
    Room(RoomId),
    /// One user, in the direct room with the sender.
    User(UserId),
}

/// Sends, reads and deletes messages.
pub struct Messages {
    pub(super) store: Store,
    pub(super) limits: Arc<Limits>,
    uploads: Uploads,
    pub(super) watermarks: Arc<dyn Watermarks>,
    alerts: Alerts,
    metrics: Arc<Metrics>,
    hooked: Arc<HookedRooms>,
    /// Searches take turns.
    pub(super) searching: Semaphore,
}

impl Messages {
    pub(super) fn new(
        store: Store,
        (limits, metrics): (Arc<Limits>, Arc<Metrics>),
        uploads: Uploads,
        watermarks: Arc<dyn Watermarks>,
        hooked: Arc<HookedRooms>,
        alerts: Alerts,
    ) -> Self {
        Self { store, limits, uploads, watermarks, alerts, metrics, hooked, searching: Semaphore::new(1) }
    }

    /// Stores a message and publishes it to every node. In a public room the sender becomes a member first. A retry
    /// with the same client id returns the first message.
    ///
    /// # Errors
    /// `RoomNotFound`, `Removed`, `Blocked`, `Invalid`, `Length` for the name of a file, `ClientIdReused`, `RateLimited`,
    /// `SlowMode`, `TooManyRooms`, `StorageFull`. After `Unavailable` the outcome is unknown: retry with the same client id.
    pub async fn send(&self, room: RoomId, caller: &Caller, message: NewMessage) -> Result<Message> {
        self.append(room, caller, message).await.map(|sent| sent.message)
    }

    /// Like [`Self::send`], and also tells whether an earlier attempt stored the message. Such a message is not
    /// published again.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn append(&self, room: RoomId, caller: &Caller, message: NewMessage) -> Result<Appended> {
        self.append_at(Pace::User, room, caller, message).await
    }

    pub(super) async fn append_at(
        &self,
        pace: Pace,
        room: RoomId,
        caller: &Caller,
        message: NewMessage,
    ) -> Result<Appended> {
        message.check_links()?;
        let terms = pace.terms(&self.limits, caller.id)?;
        let message = self.name_users(self.uploads.attach(message).await?).await?;
        let started = Instant::now();
        let appended = self.store.append(room, caller, message, terms, self.watermarks.seen(room)).await;
        self.metrics.count_send(started.elapsed());
        // After any other error nothing was stored.
        if !matches!(&appended, Err(error) if error.kind() != Kind::Unavailable) {
            self.hooked.touch(room);
        }
        if let Ok(appended) = &appended {
            if !appended.is_replay {
                self.metrics.count(Count::Messages);
            }
            self.alerts.offer(appended);
        }
        appended
    }

    /// Sends an uploaded file with `text`. The file is removed if the message is refused or an earlier attempt stored
    /// it with another file. If the outcome is unknown the file stays, because a message may show it.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_file(
        &self,
        room: RoomId,
        caller: &Caller,
        mut file: StoredFile,
        text: Content,
        client_id: Option<ClientId>,
    ) -> Result<Message> {
        let kind = if file.is_image() { MessageKind::Image } else { MessageKind::File };
        let attachment = file.attachment();
        let url = attachment.url.clone();
        let message = NewMessage::new(kind, text)
            .with_attachment(Some(attachment))
            .with_client_id(client_id)
            .with_file_digest(file.digest());
        file.keep();
        let sent = self.send(room, caller, message).await;
        let is_shown = match &sent {
            Ok(message) => message.attachment.as_ref().is_some_and(|shown| shown.url == url),
            Err(error) => error.kind() == Kind::Unavailable,
        };
        match &sent {
            Ok(message) if is_shown => self.uploads.note(&file, Some(message.id)).await,
            Err(_) if is_shown => {}
            Ok(_) | Err(_) => file.discard().await,
        }
        sent
    }

    /// Sends to a user or a room. The first message between two users creates their direct room.
    ///
    /// # Errors
    /// As [`Self::send`]; `UserNotFound`; `DirectRoom` with oneself.
    pub async fn send_to(&self, receiver: Receiver, caller: &Caller, message: NewMessage) -> Result<Appended> {
        self.deliver(receiver, caller, message, Pace::User).await
    }

    /// Like [`Self::send_to`], within the limits of a pace.
    pub(super) async fn deliver(
        &self,
        receiver: Receiver,
        caller: &Caller,
        message: NewMessage,
        pace: Pace,
    ) -> Result<Appended> {
        let other = match receiver {
            Receiver::Room(room) => return self.append_at(pace, room, caller, message).await,
            Receiver::User(user) if user == caller.id => return Err(Error::DirectRoom),
            Receiver::User(user) => user,
        };
        // A message that is refused makes no room.
        message.check_links()?;
        self.limits.check_memory()?;
        let is_counted = pace == Pace::User;
        let room = self.store.open_direct(caller.id, other, is_counted).await?;
        match self.append_at(pace, room, caller, message.clone()).await {
            // Redis lost the room whose number this node cached.
            Err(Error::RoomNotFound) => {
                self.store.forget_direct(caller.id, other);
                let room = self.store.open_direct(caller.id, other, is_counted).await?;
                self.append_at(pace, room, caller, message).await
            }
            outcome => outcome,
        }
    }

    /// A room's kind and, for a direct room, its users. Does not check whether the caller may know of the room.
    ///
    /// # Errors
    /// `RoomNotFound`.
    pub async fn room(&self, room: RoomId) -> Result<RoomHead> {
        self.store.room_state(room).await.map(|(head, _)| head)
    }

    /// A page of history. Every user may read public rooms, members may read the others. For a member the page counts as
    /// the query says.
    ///
    /// # Errors
    /// `RoomNotFound`.
    pub async fn history(&self, query: HistoryQuery, caller: &Caller) -> Result<HistoryPage> {
        let page = self.read(query, caller).await?;
        if let Some((first, last)) = page.unread {
            let range = ReadRange { room: query.room, first: Some(first), last };
            let marking = match query.counts_as {
                CountsAs::Read => self.store.mark_read(caller.id, range).await,
                CountsAs::Delivered => self.store.mark_delivered(query.room, first, last, &[caller.id]).await.map(drop),
                CountsAs::Nothing => Ok(()),
            };
            // The page is valid even if this fails, and the next page marks again.
            if let Err(error) = marking {
                tracing::debug!(room.id = %query.room, %error, "could not mark a page");
            }
        }
        Ok(page)
    }

    /// Reads a page. Its messages come from memory where Redis says that they are still the room's.
    async fn read(&self, query: HistoryQuery, caller: &Caller) -> Result<HistoryPage> {
        if let Some(recent) = self.watermarks.recent(query.room).filter(|recent| recent.cover(&query)) {
            let page = self.store.history_of(&recent, query, caller).await?;
            self.metrics.count(if page.is_some() { Count::PagesFromMemory } else { Count::PagesOutdated });
            if let Some(page) = page {
                return Ok(page);
            }
        }
        let page = self.store.history(query, caller).await?;
        self.watermarks.keep(&query, &page);
        Ok(page)
    }

    /// The history of the caller and a user; empty when they have none.
    ///
    /// # Errors
    /// `UserNotFound`, `DirectRoom`.
    pub async fn history_with(
        &self,
        other: UserId,
        query: impl FnOnce(RoomId) -> HistoryQuery,
        caller: &Caller,
    ) -> Result<Option<HistoryPage>> {
        if other == caller.id {
            return Err(Error::DirectRoom);
        }
        match self.store.direct_room(caller.id, other).await? {
            Some(room) => self.history(query(room), caller).await.map(Some),
            None => self.store.user(other).await.map(|_| None),
        }
    }

    /// The delivery status of a message, for members of its room.
    ///
    /// # Errors
    /// `MessageNotFound`, also for messages that the caller may not know of.
    pub async fn status(&self, room: RoomId, seq: Seq, caller: &Caller) -> Result<Status> {
        match self.find_one(room, seq, caller).await {
            Ok((message, page)) if page.is_member => Ok(page.receipts.status(&message)),
            Ok(_) | Err(Error::RoomNotFound) => Err(Error::MessageNotFound),
            Err(error) => Err(error),
        }
    }

    /// Marks the messages that the caller has received in a room as read, up to a message.
    ///
    /// # Errors
    /// `RoomNotFound`, `MessageNotFound`.
    pub async fn mark_read(&self, room: RoomId, last: Seq, caller: &Caller) -> Result<()> {
        self.check_seq(room, last, caller).await?;
        self.store.mark_read(caller.id, ReadRange { room, first: None, last }).await
    }

    /// Marks a message and those behind it as unread in the caller's conversations, until they are read again. What others
    /// know of the caller's reading stays as it is.
    ///
    /// # Errors
    /// `RoomNotFound`, `MessageNotFound`.
    pub async fn mark_unread(&self, room: RoomId, first: Seq, caller: &Caller) -> Result<()> {
        if !self.check_seq(room, first, caller).await? {
            return Err(Error::RoomNotFound);
        }
        self.store.mark_unread(caller.id, room, first).await
    }

    /// Whether the caller is a member of a room that has come to this seq.
    async fn check_seq(&self, room: RoomId, seq: Seq, caller: &Caller) -> Result<bool> {
        // A page without messages: the message itself may be deleted by now.
        let query = HistoryQuery::new(room, Span::Before(Seq(1)), Limit::of(1));
        let page = self.store.history(query, caller).await?;
        if seq > page.watermark.last.seq { Err(Error::MessageNotFound) } else { Ok(page.is_member) }
    }

    /// The entry id of the message that a reply refers to.
    ///
    /// # Errors
    /// `RoomNotFound`; `Invalid(ReplyTo)` when there is no such message.
    pub async fn replied(&self, room: RoomId, seq: Seq, caller: &Caller) -> Result<EntryId> {
        match self.find_one(room, seq, caller).await {
            Ok((message, _)) => Ok(message.id.entry),
            Err(Error::MessageNotFound) => Err(Error::Invalid(Field::ReplyTo)),
            Err(error) => Err(error),
        }
    }

    /// The message as a copy of another that the caller may read, as it reads now.
    ///
    /// # Errors
    /// `Invalid(ForwardedFrom)` when there is no such message, the caller may not know of it, or the server sent it.
    pub async fn forwarding(
        &self,
        (room, seq): (RoomId, Seq),
        caller: &Caller,
        message: NewMessage,
    ) -> Result<NewMessage> {
        match self.find_one(room, seq, caller).await {
            Ok((original, _)) => message.forwarding(original),
            Err(Error::RoomNotFound | Error::MessageNotFound) => Err(Error::Invalid(Field::ForwardedFrom)),
            Err(error) => Err(error),
        }
    }

    /// The message with this seq, and the page that holds it. Does not mark it as read.
    async fn find_one(&self, room: RoomId, seq: Seq, caller: &Caller) -> Result<(Message, HistoryPage)> {
        let span = Span::After(Seq(seq.0.saturating_sub(1)));
        let query = HistoryQuery { with_receipts: true, ..HistoryQuery::new(room, span, Limit::of(1)) };
        let mut page = self.store.history(query, caller).await?;
        let message = page.messages.pop().filter(|message| message.id.entry.seq == seq);
        message.map(|message| (message, page)).ok_or(Error::MessageNotFound)
    }

    /// Announces to a room that the caller, a member, is typing. Does nothing, without an error, when that was announced a
    /// moment ago, when the caller sends too much, and in large rooms: nobody misses it.
    ///
    /// # Errors
    /// `RoomNotFound`.
    pub async fn announce_typing(&self, room: RoomId, caller: &Caller) -> Result<()> {
        if !self.limits.admits_typing(caller.id, room) {
            return Ok(());
        }
        let announced = self.store.announce_typing(room, caller, self.limits.typing_members()).await;
        if announced.is_err() {
            self.limits.forget_typing(caller.id, room);
        }
        announced
    }

    /// Replaces the text of one of the caller's messages, which has no file, and whom it mentions. Counts as sending.
    ///
    /// # Errors
    /// `RoomNotFound`, `MessageNotFound`, `Forbidden`, `NotEditable`, `TooLate`, `Blocked`, `RateLimited`, `StorageFull`.
    pub async fn edit(&self, room: RoomId, seq: Seq, caller: &Caller, content: &Content) -> Result<()> {
        self.limits.check_send(caller.id)?;
        let (max_age_ms, rate) = (EDITABLE.as_millis() as u64, self.limits.send_rate());
        let named = self.named_in(content.as_str()).await?;
        let text = NewText { content, named: &named };
        self.store.edit_message((room, seq), caller, text, max_age_ms, rate).await
    }

    /// Adds a reaction of the caller, a member, to a message, or removes it. Counts as sending.
    ///
    /// # Errors
    /// `RoomNotFound`, `MessageNotFound`, `Forbidden`, `Blocked`, `TooManyReactions`, `RateLimited`, `StorageFull`.
    pub async fn react(&self, message: (RoomId, Seq), caller: &Caller, emoji: &Emoji, is_on: bool) -> Result<()> {
        match is_on {
            true => self.limits.check_send(caller.id)?,
            false => self.limits.check_change(caller.id)?,
        }
        self.store.react(message, caller, emoji, is_on, self.limits.send_rate()).await
    }

    /// Deletes a message and the file that was uploaded with it. Senders may delete their own messages, owners and
    /// admins those of their room, administrators any. Deleting again succeeds and completes what a crash left undone.
    ///
    /// # Errors
    /// `RoomNotFound`, `MessageNotFound`, `Forbidden`.
    pub async fn delete_at(&self, room: RoomId, seq: Seq, caller: &Caller) -> Result<()> {
        self.delete(MessageId { room, entry: EntryId { seq, at_ms: 0 } }, caller).await
    }

    /// Like [`Self::delete_at`], for a message whose whole id is known.
    ///
    /// # Errors
    /// As [`Self::delete_at`].
    pub async fn delete(&self, id: MessageId, caller: &Caller) -> Result<()> {
        let message = match self.store.delete_message(id, caller, false).await {
            Err(refused @ (Error::Forbidden | Error::RoomNotFound)) => {
                // The caller's role is read only when it decides.
                authorise(&self.store, caller, Action::DeleteAnyMessage).await.map_err(|error| match error {
                    Error::Forbidden => refused,
                    other => other,
                })?;
                self.store.delete_message(id, caller, true).await?
            }
            outcome => outcome?,
        };
        match message.attachment {
            Some(file) => self.uploads.delete_with_message(&file).await,
            None => Ok(()),
        }
    }
}
