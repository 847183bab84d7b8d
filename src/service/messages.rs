//! Messages: sending, reading, deleting.

use super::access::{Action, authorise};
use super::rooms::joined_text;
use super::uploads::{StoredFile, Uploads};
use crate::domain::{
    Caller, ClientId, Content, Error, HistoryPage, HistoryQuery, Kind, Message, MessageId, MessageKind, NewMessage,
    Result, RoomId,
};
use crate::store::{SendRate, Store};

/// Sending, reading, deleting.
pub struct Messages {
    store: Store,
    rate: Option<SendRate>,
    uploads: Uploads,
}

impl Messages {
    pub(super) fn new(store: Store, rate: Option<SendRate>, uploads: Uploads) -> Self {
        Self { store, rate, uploads }
    }

    /// Stores a message and announces it on every node; joins the sender to a public room first. With a
    /// client id a retry returns the first message.
    ///
    /// # Errors
    /// `RoomNotFound`, `Invalid(ReplyTo)`, `ClientIdReused`, `RateLimited`. After `Unavailable` the outcome
    /// is unknown: retry with the same client id.
    pub async fn send(&self, room: RoomId, caller: &Caller, message: NewMessage) -> Result<Message> {
        let appended = self.store.append(room, caller, message, &joined_text(&caller.name), self.rate).await?;
        Ok(appended.message)
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
        let file_digest = Some(file.digest());
        let message = NewMessage { kind, text, attachment: Some(attachment), reply_to: None, client_id, file_digest };
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

    /// A page of history. Public rooms are open to every user, others to members.
    ///
    /// # Errors
    /// `RoomNotFound`.
    pub async fn history(&self, query: HistoryQuery, caller: &Caller) -> Result<HistoryPage> {
        self.store.history(query, caller).await
    }

    /// Deletes a message and a file that was uploaded with it. Senders delete their own, owners what is in
    /// their room, administrators anything. Repeating it is fine and finishes what a crash left undone.
    ///
    /// # Errors
    /// `RoomNotFound`, `MessageNotFound`, `Forbidden`.
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
