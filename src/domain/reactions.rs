//! Reactions to a message.

use super::emoji::Emoji;
use super::ids::UserId;

/// Who has reacted to a message with which emoji, those that were used first before the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reactions {
    kinds: Vec<Reaction>,
    /// When they last changed, UTC milliseconds. Each change has a later time than the one before.
    changed_at_ms: Option<u64>,
}

/// Users who have reacted with the same emoji.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// The emoji.
    pub emoji: Emoji,
    /// The users, in the order in which they reacted; at least one.
    pub users: Vec<UserId>,
}

impl Reactions {
    /// The reactions of a message since their latest change.
    pub fn new(kinds: Vec<Reaction>, changed_at_ms: Option<u64>) -> Self {
        Self { kinds, changed_at_ms }
    }

    /// The reactions.
    pub fn kinds(&self) -> &[Reaction] {
        &self.kinds
    }

    /// When they last changed, UTC milliseconds.
    pub fn changed_at_ms(&self) -> Option<u64> {
        self.changed_at_ms
    }

    /// Adds or removes a user's reaction, unless that happened before the latest change.
    pub fn set(&mut self, emoji: &Emoji, user: UserId, is_on: bool, at_ms: Option<u64>) {
        if at_ms <= self.changed_at_ms {
            return;
        }
        self.changed_at_ms = at_ms;
        match (self.kinds.iter_mut().find(|kind| kind.emoji == *emoji), is_on) {
            (Some(kind), true) if !kind.users.contains(&user) => kind.users.push(user),
            (Some(kind), false) => kind.users.retain(|other| *other != user),
            (None, true) => self.kinds.push(Reaction { emoji: emoji.clone(), users: vec![user] }),
            (Some(_), true) | (None, false) => {}
        }
        self.kinds.retain(|kind| !kind.users.is_empty());
    }

    /// An upper bound for their bytes as JSON.
    pub fn printed_bytes(&self) -> usize {
        let digits = |user: &UserId| user.0.checked_ilog10().unwrap_or(0) as usize + 2;
        let bytes = |kind: &Reaction| {
            kind.emoji.as_str().len()
                + r#"{"emoji":"","users":[]},"#.len()
                + kind.users.iter().map(digits).sum::<usize>()
        };
        self.kinds.iter().map(bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(reactions: &Reactions) -> Vec<(&str, Vec<u64>)> {
        reactions.kinds().iter().map(|it| (it.emoji.as_str(), it.users.iter().map(|user| user.0).collect())).collect()
    }

    #[test]
    fn reactions_come_and_go() {
        let (mut reactions, mut at_ms) = (Reactions::default(), 0);
        let mut set = |reactions: &mut Reactions, emoji, user, is_on| {
            at_ms += 1;
            reactions.set(&Emoji::stored(emoji), UserId(user), is_on, Some(at_ms));
        };
        for (emoji, user, is_on) in
            [("👍", 1, true), ("😀", 2, true), ("👍", 2, true), ("👍", 1, true), ("🚀", 1, false)]
        {
            set(&mut reactions, emoji, user, is_on);
        }
        assert_eq!(shown(&reactions), [("👍", vec![1, 2]), ("😀", vec![2])]);
        set(&mut reactions, "👍", 1, false);
        set(&mut reactions, "😀", 2, false);
        assert_eq!(shown(&reactions), [("👍", vec![2])]);
        assert_eq!(reactions.changed_at_ms(), Some(7));
    }

    #[test]
    fn an_earlier_change_changes_nothing() {
        let mut reactions = Reactions::default();
        let emoji = Emoji::stored("👍");
        reactions.set(&emoji, UserId(1), true, Some(5));
        reactions.set(&emoji, UserId(1), false, Some(6));
        for at_ms in [None, Some(5), Some(6)] {
            reactions.set(&emoji, UserId(1), true, at_ms);
            assert_eq!(shown(&reactions), [], "{at_ms:?}");
        }
    }
}
