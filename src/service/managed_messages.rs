//! Messages that applications send and read.

use super::access::Action;
use super::audit::{Act, Operator, Target, record};
use super::messages::{Messages, Receiver};
use super::pace::Pace;
use crate::domain::{
    Caller, CountsAs, Error, HistoryPage, HistoryQuery, Message, NewMessage, Result, RoomId, RoomKind, UserId,
};

impl Messages {
    /// Sends in the name of the application, or of a user. What the sender may not do it does not do either: only members
    /// send to groups, and blocks hold. No rate of users limits it.
    ///
    /// # Errors
    /// `Forbidden`, also for a sender who is banned; `UserNotFound`; and as [`Messages::send_to`].
    pub async fn send_for(
        &self,
        operator: &Operator<'_>,
        sender: Option<UserId>,
        receiver: Receiver,
        message: NewMessage,
    ) -> Result<Message> {
        let (action, act) = match sender {
            None => (Action::SpeakAsApplication, Act::Send),
            Some(_) => (Action::SpeakAsUser, Act::SendAs),
        };
        operator.authorise(&self.store, action).await?;
        let speaker = match sender {
            Some(user) => self.speaker(user).await?,
            None => operator.caller().cloned().ok_or(Error::Forbidden)?,
        };
        let target = match (sender, receiver) {
            (Some(_), _) => Target::User(speaker.user_ref()),
            (None, Receiver::User(user)) => Target::User(self.store.user(user).await?),
            (None, Receiver::Room(room)) => self.named_room(room).await?,
        };
        record(&self.store, operator, act, Some(target)).await?;
        self.deliver(receiver, &speaker, message, Pace::Application).await.map(|sent| sent.message)
    }

    /// A page of the history of any room. Nobody has read it afterwards who had not before.
    ///
    /// # Errors
    /// `Forbidden`, `RoomNotFound`.
    pub async fn history_for(&self, operator: &Operator<'_>, query: HistoryQuery) -> Result<HistoryPage> {
        operator.authorise(&self.store, Action::ReadAnyRoom).await?;
        let reader = operator.caller().ok_or(Error::Forbidden)?;
        let room = self.named_room(query.room).await?;
        record(&self.store, operator, Act::Read, Some(room)).await?;
        self.history(HistoryQuery { counts_as: CountsAs::Nothing, needs_no_membership: true, ..query }, reader).await
    }

    async fn speaker(&self, user: UserId) -> Result<Caller> {
        let account = self.store.account(user).await?.ok_or(Error::UserNotFound)?;
        if account.is_banned {
            return Err(Error::Forbidden);
        }
        Ok(Caller { id: account.id, name: account.name, logged_in_at_secs: 0 })
    }

    /// A room with its name, which direct rooms lack.
    async fn named_room(&self, room: RoomId) -> Result<Target> {
        let (_, kind, name) = self.store.room_names(&[room]).await?.pop().ok_or(Error::RoomNotFound)?;
        let name = if kind == RoomKind::Direct { String::new() } else { name };
        Ok(Target::Room(room, name))
    }
}
