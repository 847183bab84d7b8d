//! Links with which users join a room themselves.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::error::{Error, Result};
use super::field::Field;
use super::ids::RoomId;
use super::invite::{draw_code, is_code};
use super::room::RoomKind;
use super::user::UserRef;

const CODE_CHARS: usize = 26;
const ROOM_PREFIX: &str = "room_";
const ROOM_CHARS: usize = 8;
const ID_CHARS: usize = 32;

/// The token of a link: the room's hexadecimal digits, which are no secret, then 26 characters `a` to `z` and `2` to
/// `7`, 130 random bits. It names the room because what belongs to a room is stored together in Redis. Never printed by
/// accident.
#[derive(Clone)]
pub struct LinkToken {
    room: RoomId,
    text: SecretString,
}

impl LinkToken {
    /// Generates a token for a room. The global room has no links, as everybody is in it.
    ///
    /// # Errors
    /// `GlobalRoom`; `Internal` when the operating system provides no random bytes.
    pub fn new(room: RoomId) -> Result<Self> {
        let printed = room.to_string();
        let digits = printed.strip_prefix(ROOM_PREFIX).ok_or(Error::GlobalRoom)?;
        Ok(Self { room, text: format!("{digits}{}", draw_code(CODE_CHARS)?).into() })
    }

    /// Reads a token as a user enters it.
    ///
    /// # Errors
    /// `LinkInvalid`.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim().to_ascii_lowercase();
        let (digits, code) = text.split_at_checked(ROOM_CHARS).ok_or(Error::LinkInvalid)?;
        let room = format!("{ROOM_PREFIX}{digits}").parse().map_err(|_| Error::LinkInvalid)?;
        if is_code(code, CODE_CHARS) { Ok(Self { room, text: text.into() }) } else { Err(Error::LinkInvalid) }
    }

    /// The room to which it leads, if it is valid.
    pub fn room(&self) -> RoomId {
        self.room
    }

    /// The token itself.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkToken")
    }
}

/// The id of a link, for those who manage it: the digest of its token, 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkId(pub String);

impl LinkId {
    /// Parses an id.
    pub fn parse(text: &str) -> Option<Self> {
        let is_id = text.len() == ID_CHARS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_id.then(|| Self(text.to_owned()))
    }
}

/// How often a link may be used, and until when.
#[derive(Clone, Copy, Debug)]
pub struct LinkTerms {
    /// Users who may join with it; `None` for any number.
    pub uses: Option<u32>,
    /// Days for which it is valid.
    pub days: u32,
}

impl LinkTerms {
    /// Checks terms: 1 to 1000 uses or any number, 1 to 365 days.
    ///
    /// # Errors
    /// `Invalid(Uses)`, `Invalid(Days)`.
    pub fn new(uses: Option<u32>, days: u32) -> Result<Self> {
        match (uses, days) {
            (None | Some(1..=1000), 1..=365) => Ok(Self { uses, days }),
            (None | Some(1..=1000), _) => Err(Error::Invalid(Field::Days)),
            _ => Err(Error::Invalid(Field::Uses)),
        }
    }
}

/// A link, as those who manage it see it.
#[derive(Debug)]
pub struct RoomLink {
    /// By what it is known.
    pub id: LinkId,
    /// The owner or admin who created it.
    pub made_by: UserRef,
    /// When it was created, UTC milliseconds.
    pub made_at_ms: u64,
    /// When it expires, UTC milliseconds.
    pub expires_at_ms: u64,
    /// Users who may join with it; `None` for any number.
    pub uses: Option<u64>,
    /// Users who have joined with it.
    pub used: u64,
}

/// A room, as somebody with a link to it sees it before joining.
#[derive(Debug)]
pub struct LinkedRoom {
    /// The room.
    pub id: RoomId,
    /// Its visibility.
    pub kind: RoomKind,
    /// Its name.
    pub name: String,
    /// Its description; empty when it has none.
    pub description: String,
    /// The address of its avatar; empty for none.
    pub avatar: String,
    /// Number of members.
    pub members: u64,
    /// Whether the caller is one of them.
    pub is_member: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_random_name_their_room_and_are_read_as_entered() {
        let room = RoomId::new(101).expect("a number");
        let token = LinkToken::new(room).expect("drawn");
        assert_eq!(token.expose().len(), 34);
        assert_ne!(token.expose(), LinkToken::new(room).expect("drawn").expose());
        let read = LinkToken::parse(&format!(" {}\n", token.expose().to_uppercase())).expect("valid");
        assert_eq!((read.room(), read.expose()), (room, token.expose()));
        assert!(!format!("{token:?}").contains(token.expose()));
        assert!(matches!(LinkToken::new(RoomId::GLOBAL), Err(Error::GlobalRoom)));
        let cut = &token.expose()[..33];
        for text in ["", "abc", "ééééééééé", cut, &format!("{cut}1"), &format!("{}a", token.expose())] {
            assert!(matches!(LinkToken::parse(text), Err(Error::LinkInvalid)), "{text:?}");
        }
    }

    #[test]
    fn the_term_that_is_out_of_its_range_is_named() {
        for (uses, days, wrong) in [
            (None, 365, None),
            (Some(1000), 1, None),
            (Some(0), 1, Some("uses")),
            (Some(1001), 0, Some("uses")),
            (None, 0, Some("days")),
            (Some(1), 366, Some("days")),
        ] {
            let field = LinkTerms::new(uses, days).err().and_then(|error| error.field());
            assert_eq!(field.map(Field::name), wrong, "{uses:?} {days}");
        }
    }

    #[test]
    fn ids_are_digests() {
        assert!(LinkId::parse("0123456789abcdef0123456789abcdef").is_some());
        for bad in ["", "0123456789ABCDEF0123456789abcdef", "0123456789abcdef"] {
            assert_eq!(LinkId::parse(bad), None, "{bad:?}");
        }
    }
}
