//! Whom messages mention.

use super::messages::Messages;
use crate::domain::{Attachment, Mentioned, NamedInText, NewMessage, PossibleMention, Result, possible_mentions};

impl Messages {
    /// The message with the users whom its text may mention, whatever it was sent through: one round trip if there are
    /// any. Which of them are members, and whether the sender may mention all, is decided when it is stored.
    pub(super) async fn name_users(&self, mut message: NewMessage) -> Result<NewMessage> {
        // A copy was said to others. The text of an upload is the name of its file, that of a file elsewhere its address.
        let is_of_file = |file: &Attachment| file.is_own_upload || file.url == message.text.as_str();
        if message.forwarded_from.is_some() || message.attachment.as_ref().is_some_and(is_of_file) {
            return Ok(message);
        }
        message.named = self.named_in(message.text.as_str()).await?;
        Ok(message)
    }

    /// The users whom a text may mention.
    pub(super) async fn named_in(&self, text: &str) -> Result<Vec<NamedInText>> {
        let possible = possible_mentions(text);
        let names = possible.iter().filter_map(|mention| match &mention.of {
            Mentioned::User(name) => Some(name),
            Mentioned::Everyone => None,
        });
        let names: Vec<_> = names.collect();
        if possible.is_empty() {
            return Ok(Vec::new());
        }
        let (mut users, mut named) = (self.store.users_named(&names).await?.into_iter(), Vec::new());
        for PossibleMention { place, text, of } in &possible {
            let user = match of {
                Mentioned::Everyone => None,
                Mentioned::User(_) => match users.next().flatten() {
                    Some(user) => Some(user),
                    None => continue,
                },
            };
            named.push(NamedInText { place: *place, text: text.clone(), user });
        }
        Ok(named)
    }
}
