//! What the server itself says in a room.

use super::user::{Caller, UserRef};

/// The name of the server as a sender.
pub const SYSTEM_NAME: &str = "系统";

/// A change of membership that a message of the server reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub kind: NoticeKind,
    /// The user who did it; `None` in records from before it was stored.
    pub actor: Option<UserRef>,
    /// The user whose membership changed.
    pub user: UserRef,
}

/// The ways in which membership changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// The user created the room.
    Created,
    /// The user joined.
    Joined,
    /// The actor added the user.
    Added,
    /// The user left.
    Left,
    /// The actor removed the user.
    Removed,
}

impl NoticeKind {
    /// Whether the user is a member after the change.
    pub fn is_member_after(self) -> bool {
        match self {
            Self::Created | Self::Joined | Self::Added => true,
            Self::Left | Self::Removed => false,
        }
    }
}

impl Notice {
    /// A change that a user makes to their own membership.
    pub fn by_user(kind: NoticeKind, caller: &Caller) -> Self {
        Self { kind, actor: Some(caller.user_ref()), user: caller.user_ref() }
    }

    /// A change that `actor` makes to the membership of `user`.
    pub fn by_other(kind: NoticeKind, actor: &Caller, user: UserRef) -> Self {
        Self { kind, actor: Some(actor.user_ref()), user }
    }

    /// The text of the server's message.
    pub fn text(&self) -> String {
        let user = &self.user.name;
        let actor = self.actor.as_ref().map_or(user, |actor| &actor.name);
        match self.kind {
            NoticeKind::Created => format!("{user} 创建了聊天室"),
            NoticeKind::Joined => format!("{user} 加入了聊天室"),
            NoticeKind::Left => format!("{user} 离开了聊天室"),
            NoticeKind::Added => format!("{actor} 邀请 {user} 加入了聊天室"),
            NoticeKind::Removed => format!("{actor} 将 {user} 移出了聊天室"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UserId;

    #[test]
    fn texts_name_the_user_and_the_actor() {
        let user = |id, name: &str| UserRef { id: UserId(id), name: name.to_owned() };
        let text = |kind| Notice { kind, actor: Some(user(1, "Alice")), user: user(2, "Bob") }.text();
        assert_eq!(text(NoticeKind::Created), "Bob 创建了聊天室");
        assert_eq!(text(NoticeKind::Joined), "Bob 加入了聊天室");
        assert_eq!(text(NoticeKind::Left), "Bob 离开了聊天室");
        assert_eq!(text(NoticeKind::Added), "Alice 邀请 Bob 加入了聊天室");
        assert_eq!(text(NoticeKind::Removed), "Alice 将 Bob 移出了聊天室");
    }
}
