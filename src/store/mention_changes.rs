//! How edits changed whom messages mention: the form in the details of amendments and in announcements.

use serde::Deserialize;

use super::record;
use crate::domain::{Amendment, AmendmentKind, AnnouncedMentions, EntryId, MentionChange, UserId};

/// Whom a message mentions, as `mentions.lua` writes it.
#[derive(Default, Deserialize)]
struct Lists {
    at: Vec<u64>,
    #[serde(rename = "as")]
    names: Vec<String>,
}

impl Lists {
    fn into_change(self, announced: Option<AnnouncedMentions>) -> AmendmentKind {
        let now = record::mentions_of(self.at.into_iter().map(UserId).zip(self.names));
        AmendmentKind::Mentions(MentionChange { now, announced }.into())
    }
}

/// What `edit_message.lua` announces.
#[derive(Deserialize)]
struct Announced {
    by: String,
    was: Vec<u64>,
    now: Lists,
}

/// Reads the details of changed mentions. Malformed ones mention nobody.
pub(super) fn read_mentions(details: &str) -> AmendmentKind {
    serde_json::from_str::<Lists>(details).unwrap_or_default().into_change(None)
}

/// Reads what follows the verb of announced mentions.
pub(super) fn parse_mentions(id: &str, rest: &str) -> Option<Amendment> {
    let mut words = rest.splitn(4, ' ');
    let mut number = || words.next()?.parse().ok();
    let (revision, by, at_ms) = (number()?, UserId(number()?), number()?);
    let Announced { by: by_name, was, now } = serde_json::from_str(words.next()?).ok()?;
    let what = now.into_change(Some(AnnouncedMentions { by_name, before: was.into_iter().map(UserId).collect() }));
    Some(Amendment { id: EntryId::parse(id)?, revision, by, at_ms: Some(at_ms), what })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Seq, UserRef};

    fn change(what: &AmendmentKind) -> (Vec<UserRef>, Option<AnnouncedMentions>) {
        match what {
            AmendmentKind::Mentions(change) => {
                (change.now.as_ref().map(|now| now.users.clone()).unwrap_or_default(), change.announced.clone())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn announced_mentions_are_read() {
        let json = r#"{"by":"李 雷","was":[0,4],"now":{"at":[3],"as":["a b"]}}"#;
        let read = parse_mentions("7-12", &format!("4 2 20 {json}")).expect("reads");
        assert_eq!((read.id.seq, read.revision, read.by, read.at_ms), (Seq(7), 4, UserId(2), Some(20)));
        let before = vec![UserId(0), UserId(4)];
        let bob = UserRef { id: UserId(3), name: "a b".to_owned() };
        assert_eq!(change(&read.what), (vec![bob], Some(AnnouncedMentions { by_name: "李 雷".to_owned(), before })));
        for bad in ["4 2 20", "4 2 20 {}", "4 2 x {}", ""] {
            assert_eq!(parse_mentions("7-12", bad), None, "{bad}");
        }
    }

    #[test]
    fn details_of_mentions_are_read() {
        assert_eq!(change(&read_mentions(r#"{"at":[3],"as":["b"]}"#)).0[0].id, UserId(3));
        for none in [r#"{"at":[],"as":[]}"#, ""] {
            assert_eq!(change(&read_mentions(none)), (Vec::new(), None), "{none}");
        }
    }
}
