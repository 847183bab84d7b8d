//! Mentions: users whom the text of a message names behind an `@`.

use super::ids::UserId;
use super::name_search::has_no_spaces;
use super::text::escaped_bytes;
use super::user::UserRef;
use super::user_name::TypedName;

/// The name that stands for all members of a room.
const EVERYONE: &str = "all";
/// Maximum number of places of a text that may mention somebody, and of names that are looked up for all of them.
const MAX_PLACES: usize = 20;
const MAX_NAMES: usize = 200;
/// Maximum number of characters behind an `@` that may be a name.
const NAME_MAX_CHARS: usize = 32;

/// More than what a mention has in JSON besides its name.
const MENTION_BYTES: usize = 60;

/// Whom a message mentions. Names are as the text has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// The members whom it names.
    pub users: Vec<UserRef>,
    /// The word by which it names all members, if an owner or admin sent it.
    pub everyone: Option<String>,
}

impl Mentions {
    /// Whether the message mentions a user, alone or with all others.
    pub fn include(&self, user: UserId) -> bool {
        self.everyone.is_some() || self.users.iter().any(|mentioned| mentioned.id == user)
    }

    /// An upper bound for their bytes as JSON.
    pub fn printed_bytes(&self) -> usize {
        let names = self.users.iter().map(|user| &user.name).chain(&self.everyone);
        names.map(|name| escaped_bytes(name) + MENTION_BYTES).sum()
    }
}

/// What an edit changed about whom a message mentions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MentionChange {
    /// Whom the text mentions now; `None` for nobody.
    pub now: Option<Box<Mentions>>,
    /// What only an announcement tells; `None` for a change that was read later.
    pub announced: Option<AnnouncedMentions>,
}

/// What the announcement of changed mentions tells besides them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnouncedMentions {
    /// The sender's name.
    pub by_name: String,
    /// The users whom the message mentioned before; the server stands for all members.
    pub before: Vec<UserId>,
}

impl MentionChange {
    /// Whether a user is mentioned now who was not before.
    pub fn adds(&self, user: UserId) -> bool {
        let Some(AnnouncedMentions { before, .. }) = &self.announced else { return false };
        let was_mentioned = before.contains(&user) || before.contains(&UserId::SERVER);
        !was_mentioned && self.now.as_ref().is_some_and(|now| now.include(user))
    }
}

/// A text behind an `@` that may be the name of a user, or stand for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PossibleMention {
    /// Number of the place in the text. The longest name of a member counts there.
    pub place: usize,
    /// The name as the text has it.
    pub text: String,
    /// What it may name.
    pub of: Mentioned,
}

/// What a name in a text may stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mentioned {
    /// All members.
    Everyone,
    /// The user with this name.
    User(TypedName),
}

/// A user whom a text may mention, or all members. Whether it does depends on the members of the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedInText {
    /// As in [`PossibleMention`].
    pub place: usize,
    /// The name as the text has it.
    pub text: String,
    /// The user; `None` for all members.
    pub user: Option<UserId>,
}

/// The names that a text may mention: at each place the longest one first. Names may contain spaces, and some scripts put none
/// between words, so there may be many.
pub fn possible_mentions(text: &str) -> Vec<PossibleMention> {
    let mut found = Vec::new();
    for (place, (at, _)) in text.match_indices('@').filter(|(at, _)| may_precede(&text[..*at])).enumerate() {
        if place == MAX_PLACES {
            break;
        }
        let behind = &text[at + 1..];
        let names = name_ends(behind).into_iter().rev().filter_map(|end| possible_mention(place, &behind[..end]));
        found.extend(names);
    }
    found.truncate(MAX_NAMES);
    found
}

/// Whether an `@` behind this text is none of an address.
fn may_precede(before: &str) -> bool {
    before.chars().next_back().is_none_or(|c| !is_of_word(c) && !matches!(c, '/' | '@') || has_no_spaces(c))
}

fn possible_mention(place: usize, name: &str) -> Option<PossibleMention> {
    let of = match name.eq_ignore_ascii_case(EVERYONE) {
        true => Mentioned::Everyone,
        false => Mentioned::User(TypedName::parse(name)?),
    };
    Some(PossibleMention { place, text: name.to_owned(), of })
}

/// Where a name that begins with a text may end: behind each word, and behind each character of scripts without spaces.
fn name_ends(text: &str) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut chars = text.char_indices().take(NAME_MAX_CHARS + 1).peekable();
    while let Some((at, c)) = chars.next() {
        if c.is_control() || c == '@' || (at == 0 && c.is_whitespace()) {
            break;
        }
        let next = chars.peek().map(|(_, next)| *next);
        let splits_word = next.is_some_and(|next| is_of_word(c) && is_of_word(next) && !has_no_spaces(next));
        if !c.is_whitespace() && (!splits_word || has_no_spaces(c)) {
            ends.push(at + c.len_utf8());
        }
    }
    ends
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(usize, String)> {
        possible_mentions(text).into_iter().map(|it| (it.place, it.text)).collect()
    }

    fn longest(text: &str) -> Vec<String> {
        names(text).into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn names_are_found_where_words_end() {
        for (text, expected) in [
            ("@bob", &["bob"][..]),
            ("@bob, hi", &["bob, hi", "bob,", "bob"]),
            ("hi @bob smith", &["bob smith", "bob"]),
            ("(@bob_x)", &["bob_x)", "bob_x"]),
            ("@anna-lee", &["anna-lee", "anna-", "anna"]),
            ("你好@张三吃饭", &["张三吃饭", "张三吃", "张三", "张"]),
            ("@张三", &["张三", "张"]),
            ("@bob\n@eve", &["bob", "eve"]),
            ("@bob@eve", &["bob"]),
            ("bob@example.com https://a.example/@bob @ bob @", &[]),
            ("no names", &[]),
        ] {
            assert_eq!(longest(text), expected, "{text}");
        }
    }

    #[test]
    fn all_members_are_named_by_one_word() {
        for (text, is_everyone) in [("@all", true), ("@ALL hands", true), ("@all你好", true), ("@allen", false)] {
            let found = possible_mentions(text);
            assert_eq!(found.iter().any(|it| it.of == Mentioned::Everyone), is_everyone, "{text}");
        }
    }

    #[test]
    fn a_text_names_a_bounded_number() {
        assert_eq!(names(&"@a,".repeat(100)).last().map(|(place, _)| *place), Some(MAX_PLACES - 1));
        let long = format!("@{}", "好".repeat(100));
        assert_eq!(names(&long).len(), NAME_MAX_CHARS);
        assert!(names(&format!("@{}", "x".repeat(33))).is_empty());
        assert_eq!(names(&format!("@{}", "x".repeat(32))).len(), 1);
        assert_eq!(names(&long.repeat(20)).len(), MAX_NAMES);
    }

    #[test]
    fn mentions_include_those_who_are_named() {
        let users = vec![UserRef { id: UserId(3), name: "bob".to_owned() }];
        let mentions = Mentions { users, everyone: None };
        assert!(mentions.include(UserId(3)) && !mentions.include(UserId(4)));
        assert!(Mentions { everyone: Some("all".to_owned()), ..mentions }.include(UserId(4)));
    }

    #[test]
    fn a_change_adds_those_who_were_not_mentioned_before() {
        let user = |id: u64| UserRef { id: UserId(id), name: "x".to_owned() };
        let change = |users: &[u64], everyone: bool, before: &[u64]| MentionChange {
            now: Some(Box::new(Mentions {
                users: users.iter().map(|id| user(*id)).collect(),
                everyone: everyone.then(|| "all".to_owned()),
            })),
            announced: Some(AnnouncedMentions {
                by_name: "a".to_owned(),
                before: before.iter().map(|id| UserId(*id)).collect(),
            }),
        };
        for (users, everyone, before, is_added) in [
            (&[3][..], false, &[][..], true),
            (&[3], false, &[4], true),
            (&[3], false, &[3], false),
            (&[3], false, &[0], false),
            (&[], true, &[4], true),
            (&[], true, &[3], false),
            (&[4], false, &[], false),
        ] {
            assert_eq!(change(users, everyone, before).adds(UserId(3)), is_added, "{users:?} {everyone} {before:?}");
        }
        let read = MentionChange { announced: None, ..change(&[3], false, &[]) };
        assert!(!read.adds(UserId(3)), "what is read later may be old");
    }
}
