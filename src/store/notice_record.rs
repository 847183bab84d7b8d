//! The part of a record that reports a change of membership.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::domain::{Notice, NoticeKind, UserId, UserRef};

/// The change of membership that a message of the server reports.
#[derive(Serialize, Deserialize)]
pub(super) struct NoticeRecord<'a> {
    /// `+` when the user is a member after the change, `-` when not.
    a: char,
    /// The user.
    u: u64,
    /// The user's name.
    #[serde(borrow)]
    n: Cow<'a, str>,
    /// Kind, one letter. Records written before it existed have neither kind nor actor.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    k: Option<char>,
    /// The user who did it, when that is another.
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    by: Option<ActorRecord<'a>>,
}

#[derive(Serialize, Deserialize)]
struct ActorRecord<'a> {
    /// The user.
    u: u64,
    /// The user's name.
    #[serde(borrow)]
    n: Cow<'a, str>,
}

impl<'a> From<&'a Notice> for NoticeRecord<'a> {
    fn from(notice: &'a Notice) -> Self {
        let actor = notice.actor.as_ref();
        Self {
            a: if notice.kind.is_member_after() { '+' } else { '-' },
            u: notice.user.id.0,
            n: notice.user.name.as_str().into(),
            k: actor.map(|_| notice_letter(notice.kind)),
            by: actor
                .filter(|actor| actor.id != notice.user.id)
                .map(|actor| ActorRecord { u: actor.id.0, n: actor.name.as_str().into() }),
        }
    }
}

impl NoticeRecord<'_> {
    /// Without a kind that this version knows, only the change itself is certain.
    pub(super) fn into_notice(self) -> Option<Notice> {
        let user = UserRef { id: UserId(self.u), name: self.n.into_owned() };
        if let Some(kind) = self.k.and_then(notice_kind_of) {
            let other = self.by.map(|actor| UserRef { id: UserId(actor.u), name: actor.n.into_owned() });
            let actor = Some(other.unwrap_or_else(|| user.clone()));
            return Some(Notice { kind, actor, user });
        }
        let kind = match self.a {
            '+' => NoticeKind::Joined,
            '-' => NoticeKind::Left,
            _ => return None,
        };
        Some(Notice { kind, actor: None, user })
    }
}

fn notice_letter(kind: NoticeKind) -> char {
    match kind {
        NoticeKind::Created => 'c',
        NoticeKind::Joined => 'j',
        NoticeKind::Added => 'a',
        NoticeKind::Left => 'l',
        NoticeKind::Removed => 'r',
    }
}

fn notice_kind_of(letter: char) -> Option<NoticeKind> {
    Some(match letter {
        'c' => NoticeKind::Created,
        'j' => NoticeKind::Joined,
        'a' => NoticeKind::Added,
        'l' => NoticeKind::Left,
        'r' => NoticeKind::Removed,
        _ => return None,
    })
}
