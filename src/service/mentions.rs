//! Whom messages mention.

use super::messages::Messages;
use crate::domain::{Attachment, Mentioned, NamedInText, NewMessage, Result, possible_mentions};

impl Messages {
    /// The message with the users whom its text may mention, whatever it was sent through: one round trip if there are
    /// any. Which of them are members, and whether the sender may mention all, is decided when it is stored.
    pub(super) async fn name_users(&self, mut message: NewMessage) -> Result<NewMessage> {
        // A copy was said to others. The text of an upload is the name of its file, that of a file elsewhere its address.
        let is_of_file = |file: &Attachment| file.is_own_upload || file.url == message.text.as_str();
        if message.forwarded_from.is_some() || message.attachment.as_ref().is_some_and(is_of_file) {
            return Ok(message);
        }
        let possible = possible_mentions(message.text.as_str());
        let names = possible.iter().filter_map(|mention| match &mention.of {
            Mentioned::User(name) => Some(name),
            Mentioned::Everyone => None,
        });
        let names: Vec<_> = names.collect();
        if names.is_empty() && possible.is_empty() {
            return Ok(message);
        }
        let mut users = self.store.users_named(&names).await?.into_iter();
        for mention in &possible {
            let user = match mention.of {
                Mentioned::Everyone => None,
                Mentioned::User(_) => match users.next().flatten() {
                    Some(user) => Some(user),
                    None => continue,
                },
            };
            message.named.push(NamedInText { place: mention.place, text: mention.text.clone(), user });
        }
        Ok(message)
    }
}
