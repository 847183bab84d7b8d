//! Messages: sending, reading, deleting.

use std::sync::Arc;
use std::time::Instant;

use super::access::{Action, authorise};
use super::uploads::{StoredFile, Uploads};
use super::watermarks::Watermarks;
use crate::domain::{
    Caller, ClientId, Content, EntryId, Error, Field, HistoryPage, HistoryQuery, Kind, Limit, Message, MessageId,
    MessageKind, NewMessage, Result, RoomHead, RoomId, Seq, Span, Status, UserId, folded,
};
use crate::metrics::{Count, Metrics};
use crate::store::{Appended, ReadRange, SendRate, Store};

/// Whom a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// The members of a room.
    Room(RoomId),
    /// One user, and the sender.
    User(UserId),
}

/// Sending, reading, deleting.
pub struct Messages {
    store: Store,
    rate: Option<SendRate>,
    uploads: Uploads,
    pub(super) watermarks: Arc<dyn Watermarks>,
    metrics: Arc<Metrics>,
}

impl Messages {
    pub(super) fn new(
        store: Store,
        rate: Option<SendRate>,
        uploads: Uploads,
        watermarks: Arc<dyn Watermarks>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { store, rate, uploads, watermarks, metrics }
    }

    /// Stores a message and announces it on every node; joins the sender to a public room first. With a
    /// client id a retry returns the first message.
    ///
    /// # Errors
    /// `RoomNotFound`, `Invalid(ReplyTo)`, `ClientIdReused`, `RateLimited`. After `Unavailable` the outcome
    /// is unknown: retry with the same client id.
    pub async fn send(&self, room: RoomId, caller: &Caller, message: NewMessage) -> Result<Message> {
        self.append(room, caller, message).await.map(|sent| sent.message)
    }

    /// The same, also telling whether it was stored by an earlier try: then nobody is told again.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn append(&self, room: RoomId, caller: &Caller, message: NewMessage) -> Result<Appended> {
        let started = Instant::now();
        let appended = self.store.append(room, caller, message, self.rate).await;
        self.metrics.count_send(started.elapsed());
        if let Ok(Appended { is_replay: false, .. }) = &appended {
            self.metrics.count(Count::Messages);
        }
        appended
    }

    /// Sends an uploaded file under `text`. When it cannot become a message, or became one at an earlier
    /// try, the file is removed again; when the outcome is unknown it stays, because a message may show it.
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
        if !is_shown {
            file.discard().await;
        }
        sent
    }

    /// Sends to a user or a room. The direct room of two users is made by their first message.
    ///
    /// # Errors
    /// As [`Self::send`]; `UserNotFound`, `DirectRoom`.
    pub async fn send_to(&self, receiver: Receiver, caller: &Caller, message: NewMessage) -> Result<Appended> {
        let other = match receiver {
            Receiver::Room(room) => return self.append(room, caller, message).await,
            Receiver::User(user) if user == caller.id => return Err(Error::DirectRoom),
            Receiver::User(user) => user,
        };
        let room = self.store.open_direct(caller.id, other).await?;
        match self.append(room, caller, message.clone()).await {
            // Redis lost the room that this node remembers.
            Err(Error::RoomNotFound) => {
                self.store.forget_direct(caller.id, other);
                let room = self.store.open_direct(caller.id, other).await?;
                self.append(room, caller, message).await
            }
            outcome => outcome,
        }
    }

    /// A room's kind and, of a direct one, its users. Says nothing about who may know of it.
    ///
    /// # Errors
    /// `RoomNotFound`.
    pub async fn room(&self, room: RoomId) -> Result<RoomHead> {
        self.store.room_state(room).await.map(|(head, _)| head)
    }

    /// A page of history. Public rooms are open to every user, others to members. What a member has been shown
    /// counts as read.
    ///
    /// # Errors
    /// `RoomNotFound`.
    pub async fn history(&self, query: HistoryQuery, caller: &Caller) -> Result<HistoryPage> {
        let page = self.store.history(query, caller).await?;
        if let Some((first, last)) = page.unread {
            let range = ReadRange { room: query.room, first: Some(first), last };
            // The page is good whatever becomes of this; the next one marks again.
            if let Err(error) = self.store.mark_read(caller.id, range).await {
                tracing::debug!(room.id = %query.room, %error, "page not marked as read");
            }
        }
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
            None if self.store.names(&[other]).await?.is_empty() => Err(Error::UserNotFound),
            None => Ok(None),
        }
    }

    /// How far a message has come. Members may ask.
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

    /// Marks what the caller has received of a room as read, up to a message.
    ///
    /// # Errors
    /// `RoomNotFound`, `MessageNotFound`.
    pub async fn mark_read(&self, room: RoomId, last: Seq, caller: &Caller) -> Result<()> {
        self.find_one(room, last, caller).await?;
        self.store.mark_read(caller.id, ReadRange { room, first: None, last }).await
    }

    /// The entry of a message that is answered, known by its place.
    ///
    /// # Errors
    /// `RoomNotFound`; `Invalid(ReplyTo)` when there is none.
    pub async fn replied(&self, room: RoomId, seq: Seq, caller: &Caller) -> Result<EntryId> {
        match self.find_one(room, seq, caller).await {
            Ok((message, _)) => Ok(message.id.entry),
            Err(Error::MessageNotFound) => Err(Error::Invalid(Field::ReplyTo)),
            Err(error) => Err(error),
        }
    }

    /// The message at a place, without marking it, and the page that it is.
    async fn find_one(&self, room: RoomId, seq: Seq, caller: &Caller) -> Result<(Message, HistoryPage)> {
        let span = Span::After(Seq(seq.0.saturating_sub(1)));
        let query = HistoryQuery { with_receipts: true, ..HistoryQuery::new(room, span, Limit::of(1)) };
        let mut page = self.store.history(query, caller).await?;
        let message = page.messages.pop().filter(|message| message.id.entry.seq == seq);
        message.map(|message| (message, page)).ok_or(Error::MessageNotFound)
    }

    /// Tells a room that the caller, a member, is typing.
    ///
    /// # Errors
    /// `RoomNotFound`.
    pub async fn announce_typing(&self, room: RoomId, caller: &Caller) -> Result<()> {
        self.store.announce_typing(room, caller).await
    }

    /// Messages of a room with a text in them, whatever its case, newest first.
    ///
    /// # Errors
    /// `RoomNotFound`.
    pub async fn find(&self, room: RoomId, text: &str, caller: &Caller, limit: Limit) -> Result<HistoryPage> {
        let wanted = folded(text);
        let query = HistoryQuery { include_system: false, ..HistoryQuery::new(room, Span::Latest, Limit::of(1000)) };
        // Looked through, not read.
        let mut page = self.store.history(query, caller).await?;
        let has_text = |message: &Message| {
            let name = message.attachment.as_ref().and_then(|file| file.name.as_deref()).unwrap_or_default();
            folded(&message.text).contains(&wanted) || folded(name).contains(&wanted)
        };
        page.messages = page.messages.into_iter().filter(has_text).take(limit.get()).collect();
        Ok(page)
    }

    /// Deletes a message and a file that was uploaded with it. Senders delete their own, owners what is in
    /// their room, administrators anything. Repeating it is fine and finishes what a crash left undone.
    ///
    /// # Errors
    /// `RoomNotFound`, `MessageNotFound`, `Forbidden`.
    pub async fn delete_at(&self, room: RoomId, seq: Seq, caller: &Caller) -> Result<()> {
        self.delete(MessageId { room, entry: EntryId { seq, at_ms: 0 } }, caller).await
    }

    /// The same for a message whose time is known as well.
    ///
    /// # Errors
    /// As [`Self::delete_at`].
    pub async fn delete(&self, id: MessageId, caller: &Caller) -> Result<()> {
        let message = match self.store.delete_message(id, caller, false).await {
            Err(refused @ (Error::Forbidden | Error::RoomNotFound)) => {
                // Whether the caller is an administrator is looked up only where it matters.
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
