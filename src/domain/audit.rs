//! The audit log: what administrators and applications did.

use super::error::Result;
use super::field::Field;
use super::text::{folded, line};
use super::user::UserRef;

const REASON_MAX_CHARS: usize = 200;

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id, also the cursor behind it.
    pub id: String,
    /// Time of the action, UTC milliseconds.
    pub at_ms: u64,
    /// The administrator, or the account of the application; `None` for the command line.
    pub actor: Option<UserRef>,
    /// The address of the request; empty for the command line.
    pub address: String,
    /// What was done, as `user.ban`.
    pub act: String,
    /// To whom or what it was done, if to one user or room.
    pub target: Option<AuditTarget>,
    /// Why, as the administrator said; empty for none.
    pub reason: String,
}

/// Who acted: each has a log of its own, so that applications do not displace the entries of administrators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditLog {
    /// Administrators, over HTTP and on the command line.
    Administrators,
    /// Applications.
    Applications,
}

/// What an action concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditTarget {
    /// `user` or `room`.
    pub kind: String,
    /// Number of the user or room.
    pub id: u64,
    /// Its name at that time.
    pub name: String,
}

/// Why an administrator acts: up to 200 characters on one line, may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// Trims and validates a text.
    ///
    /// # Errors
    /// `Length`, or `Invalid` for control characters, those that reorder text, and a text of which nothing is visible.
    pub fn parse(text: &str) -> Result<Self> {
        line(Field::Reason, text, REASON_MAX_CHARS).map(|text| Self(text.to_owned()))
    }

    /// The text for display.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Selects entries of the audit log.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// The action, or its first word; empty for all.
    act: String,
    /// A part of the name of the actor or of the subject, folded; empty for all.
    name: String,
}

impl AuditFilter {
    /// A filter for an action, as `user.ban`, or all actions of a kind, as `user`, and for a part of a name.
    pub fn new(act: &str, name: &str) -> Self {
        Self { act: act.to_owned(), name: folded(name.trim()) }
    }

    /// Whether it selects all entries.
    pub fn is_empty(&self) -> bool {
        self.act.is_empty() && self.name.is_empty()
    }

    /// Whether it selects an entry.
    pub fn matches(&self, entry: &AuditEntry) -> bool {
        let first_word = entry.act.split('.').next();
        let is_act = self.act.is_empty() || entry.act == self.act || first_word == Some(&*self.act);
        let names = [entry.actor.as_ref().map(|actor| &actor.name), entry.target.as_ref().map(|target| &target.name)];
        is_act && (self.name.is_empty() || names.into_iter().flatten().any(|name| folded(name).contains(&self.name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Error, UserId};

    #[test]
    fn a_filter_looks_for_acts_and_parts_of_names() {
        let entry = AuditEntry {
            id: "1-0".to_owned(),
            at_ms: 1,
            actor: Some(UserRef { id: UserId(1), name: "Operator".to_owned() }),
            address: String::new(),
            act: "user.ban".to_owned(),
            target: Some(AuditTarget { kind: "user".to_owned(), id: 2, name: "李雷".to_owned() }),
            reason: String::new(),
        };
        for (act, name, is_found) in [
            ("", "", true),
            ("user", "", true),
            ("user.ban", "OPER", true),
            ("", " 雷 ", true),
            ("use", "", false),
            ("user.unban", "", false),
            ("", "bob", false),
        ] {
            assert_eq!(AuditFilter::new(act, name).matches(&entry), is_found, "{act:?} {name:?}");
        }
        let invite = AuditEntry { actor: None, target: None, act: "invite".to_owned(), ..entry };
        assert!(AuditFilter::new("invite", "").matches(&invite) && !AuditFilter::new("", "o").matches(&invite));
    }

    #[test]
    fn reasons_are_short_lines() {
        assert_eq!(Reason::parse(" spam ").expect("valid").as_str(), "spam");
        assert!(matches!(Reason::parse(&"字".repeat(201)), Err(Error::Length { field: Field::Reason, .. })));
        assert!(matches!(Reason::parse("a\nb"), Err(Error::Invalid(Field::Reason))));
    }
}
