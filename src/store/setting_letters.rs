//! Settings of a conversation as they are stored and published: a letter for each.

use crate::domain::{ConversationChange, ConversationSettings, Notify};

fn flag(is_set: bool) -> char {
    if is_set { '1' } else { '0' }
}

fn letter(notify: Notify) -> char {
    match notify {
        Notify::All => 'a',
        Notify::Mentions => 'm',
        Notify::None => 'n',
    }
}

/// Settings as they are kept, and as they travel.
pub(super) fn encode(settings: ConversationSettings) -> String {
    [letter(settings.notify), flag(settings.is_pinned), flag(settings.is_hidden)].into_iter().collect()
}

pub(super) fn encode_change(ConversationChange { notify, is_pinned, is_hidden }: ConversationChange) -> String {
    let letters = [notify.map(letter), is_pinned.map(flag), is_hidden.map(flag)];
    letters.map(|letter| letter.unwrap_or('-')).into_iter().collect()
}

/// Reads settings. What this version does not know has its default.
pub(super) fn decode(text: &str) -> ConversationSettings {
    let mut letters = text.chars();
    let notify = match letters.next() {
        Some('m') => Notify::Mentions,
        Some('n') => Notify::None,
        _ => Notify::All,
    };
    let mut is_set = || letters.next() == Some('1');
    ConversationSettings { notify, is_pinned: is_set(), is_hidden: is_set() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_round_trip() {
        for notify in [Notify::All, Notify::Mentions, Notify::None] {
            for (is_pinned, is_hidden) in [(false, false), (true, false), (false, true), (true, true)] {
                let settings = ConversationSettings { notify, is_pinned, is_hidden };
                assert_eq!(decode(&encode(settings)), settings);
            }
        }
        assert_eq!(decode(""), ConversationSettings::default());
        let change = ConversationChange { is_pinned: Some(true), ..ConversationChange::default() };
        assert_eq!(encode_change(change), "-1-");
    }
}
