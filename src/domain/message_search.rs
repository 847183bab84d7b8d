//! What a search for messages looks for, and the places where it begins and continues.

use std::fmt;

use jiff::Timestamp;

use super::error::{Error, Result};
use super::field::Field;
use super::ids::{MessageId, UserId};
use super::message::{Message, MessageKind};

/// Beginnings of addresses in a text, in lower case.
const LINKS: [&str; 3] = ["http://", "https://", "www."];

/// What a message may have besides other text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Has {
    /// An image.
    Picture,
    /// Any other file.
    File,
    /// A text with an address of the web in it.
    Link,
}

impl Has {
    /// Parses `picture`, `file` or `link`.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "picture" => Ok(Self::Picture),
            "file" => Ok(Self::File),
            "link" => Ok(Self::Link),
            _ => Err(Error::Invalid(Field::Has)),
        }
    }

    /// Whether a message has it.
    pub fn is_in(self, message: &Message) -> bool {
        match self {
            Self::Picture => message.kind == MessageKind::Image,
            Self::File => matches!(message.kind, MessageKind::File | MessageKind::Audio | MessageKind::Video),
            Self::Link => {
                let text = message.text.to_ascii_lowercase();
                message.kind == MessageKind::Text && LINKS.iter().any(|link| text.contains(link))
            }
        }
    }
}

/// What a search for messages looks for.
#[derive(Clone, Debug)]
pub struct MessageSearch {
    /// Parts of words of the text or of the file's name, all of which it has to have; empty for any.
    pub text: String,
    /// The sender.
    pub sender: Option<UserId>,
    /// What the message has.
    pub has: Option<Has>,
    /// Where the search begins: it goes back in time from here.
    pub before: SearchPlace,
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct FoundMessages {
    /// The messages, newest first.
    pub messages: Vec<Message>,
    /// Where the next page begins; `None` when everything was searched. There may be a next page after an empty one.
    pub next: Option<SearchPlace>,
    /// Whether rooms are left out because their shard is unavailable.
    pub is_partial: bool,
}

/// A place among the messages of all rooms, which are in the order of time, those of the same millisecond by room. Printed as
/// `<ms>-<room>-<seq>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SearchPlace {
    at_ms: u64,
    room: u32,
    seq: u64,
}

impl SearchPlace {
    /// Behind all messages.
    pub const END: Self = Self { at_ms: u64::MAX, room: u32::MAX, seq: u64::MAX };

    /// The place of a message. What lies before it does not include the message.
    pub fn of(id: MessageId) -> Self {
        Self { at_ms: id.entry.at_ms, room: id.room.number(), seq: id.entry.seq.0 }
    }

    /// The place right behind a message.
    pub fn behind(id: MessageId) -> Self {
        let place = Self::of(id);
        Self { seq: place.seq.saturating_add(1), ..place }
    }

    /// Parses a time of RFC 3339: the place before all messages from then on.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn at_time(text: &str) -> Result<Self> {
        let at: Timestamp = text.parse().map_err(|_| Error::Invalid(Field::Before))?;
        let at_ms = u64::try_from(at.as_millisecond()).map_err(|_| Error::Invalid(Field::Before))?;
        Ok(Self { at_ms, room: 0, seq: 0 })
    }

    /// Parses a printed place.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn parse(text: &str) -> Result<Self> {
        let mut numbers = text.splitn(3, '-').map(|number| number.parse().ok());
        let mut next = || numbers.next().flatten();
        let place = (|| Some(Self { at_ms: next()?, room: u32::try_from(next()?).ok()?, seq: next()? }))();
        place.ok_or(Error::Invalid(Field::Cursor))
    }
}

impl fmt::Display for SearchPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.at_ms, self.room, self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_the_order_of_time_and_survive_printing() {
        let early = SearchPlace::of(Message::sample(1, 7, 1000).id);
        let behind = SearchPlace::behind(Message::sample(1, 7, 1000).id);
        let late = SearchPlace::at_time("1970-01-01T00:00:02Z").expect("a time");
        assert!(early < behind && behind < late && late < SearchPlace::END);
        assert!(late <= SearchPlace::of(Message::sample(1, 8, 2000).id), "messages of that time are not before it");
        for place in [early, behind, late, SearchPlace::END] {
            assert_eq!(SearchPlace::parse(&place.to_string()).ok(), Some(place));
        }
        for bad in ["", "1", "1-2", "1-2-x", "1-2-3-4", "1-4294967296-3", "-1-2-3"] {
            assert!(SearchPlace::parse(bad).is_err(), "{bad}");
        }
        for bad in ["", "yesterday", "2025-10-26", "1960-01-01T00:00:00Z"] {
            assert!(SearchPlace::at_time(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_message_has_what_its_kind_and_text_say() {
        let message = |kind, text: &str| Message { kind, text: text.to_owned(), ..Message::sample(1, 1, 1) };
        let link = message(MessageKind::Text, "see HTTPS://example.org");
        assert!(Has::Link.is_in(&link) && !Has::File.is_in(&link) && !Has::Picture.is_in(&link));
        assert!(!Has::Link.is_in(&message(MessageKind::Text, "http is a protocol")));
        assert!(!Has::Link.is_in(&message(MessageKind::Image, "https://example.org/a.png")));
        assert!(Has::Picture.is_in(&message(MessageKind::Image, "https://example.org/a.png")));
        assert!(Has::File.is_in(&message(MessageKind::Audio, "")));
        assert!(Has::parse("picture").is_ok() && Has::parse("Picture").is_err());
    }
}
