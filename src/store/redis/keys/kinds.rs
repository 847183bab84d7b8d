//! What a key is, by its name: a backup copies permanent data, and leaves out the state of running nodes.

use super::Keys;
use crate::domain::RoomId;

/// What a key is to a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum KeyKind {
    /// The hash of a room. The room's other keys are read together with it.
    Room(RoomId),
    /// Another key of a room.
    OfRoom,
    /// Records of changes that concern several keys and may be in progress.
    Notes,
    /// A key of a user.
    User,
    /// Anything else that lasts.
    Index,
    /// State of running nodes, or what expires within minutes.
    Passing,
}

const NOTES: [&str; 3] = ["joins", "removals", "deleting"];
const INDEXES: [&str; 18] = [
    "invites",
    "names",
    "names:parts",
    "names:indexed",
    "rooms:public",
    "rooms:names",
    "rooms:names:parts",
    "rooms:active",
    "revoked",
    "ended",
    "renamed",
    "deleted",
    "audit",
    "audit:applications",
    "generation",
    "push:key",
    "seq:users",
    "seq:rooms",
];
const STARTS_OF_INDEXES: [&str; 9] =
    ["name:", "look:", "email:", "invite:", "guesses:", "direct:", "origin:", "stats:", "figures:"];
const OF_UPLOADS: [&str; 5] = ["used", "sent", "about", "pictures", "bytes"];
const OF_APPLICATIONS: [&str; 3] = ["names", "tokens", "used"];
const OF_HOOKS: [&str; 6] = ["incoming", "used", "outgoing", "health", "makers", "version"];
const OF_HOOKED_ROOMS: [&str; 2] = ["of:", "names:"];
const PASSING: [&str; 3] = ["nodes", "nodes:settings", "nodes:incidents"];
const STARTS_OF_PASSING: [&str; 4] = ["node:", "probe:", "online:", "connected:"];
const PASSING_OF_ROOM: [&str; 3] = ["sent:", "rate:", "slow:"];

impl Keys {
    /// A pattern that every key has, and with it those of other installations whose prefix begins like this one.
    pub(in crate::store) fn pattern(&self) -> String {
        let is_special = |c: char| "*?[]\\^-".contains(c);
        let escaped = self.prefix.chars().flat_map(|c| is_special(c).then_some('\\').into_iter().chain([c]));
        escaped.chain(['*']).collect()
    }

    /// The name of a key without the prefix.
    pub(in crate::store) fn name_of<'a>(&self, key: &'a str) -> Option<&'a str> {
        key.strip_prefix(&*self.prefix)
    }

    /// The key with this name.
    pub(in crate::store) fn named(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

impl KeyKind {
    /// The kind of the key with this name; `None` for a key of somebody else.
    pub(in crate::store) fn of(name: &str) -> Option<Self> {
        let starts = |starts: &[&str]| starts.iter().any(|start| name.starts_with(start));
        match name.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((tag, rest)) => Self::of_tagged(tag, rest),
            None if NOTES.contains(&name) => Some(Self::Notes),
            None if PASSING.contains(&name) || starts(&STARTS_OF_PASSING) => Some(Self::Passing),
            None if INDEXES.contains(&name) || starts(&STARTS_OF_INDEXES) => Some(Self::Index),
            None => None,
        }
    }

    fn of_tagged(tag: &str, rest: &str) -> Option<Self> {
        let own = rest.strip_prefix(':');
        if let Some(number) = tag.strip_prefix("r:") {
            let room = RoomId::new(number.parse().ok()?)?;
            return match own {
                None => rest.is_empty().then_some(Self::Room(room)),
                Some(own) if PASSING_OF_ROOM.iter().any(|start| own.starts_with(start)) => Some(Self::Passing),
                Some(_) => Some(Self::OfRoom),
            };
        }
        if let Some(number) = tag.strip_prefix("u:") {
            return number.parse::<u64>().is_ok().then_some(Self::User);
        }
        match (tag, own?) {
            ("uploads", own) if OF_UPLOADS.contains(&own) => Some(Self::Index),
            ("applications", own) if OF_APPLICATIONS.contains(&own) => Some(Self::Index),
            ("hooks", own) if OF_HOOKS.contains(&own) => Some(Self::Index),
            ("hooks", own) if OF_HOOKED_ROOMS.iter().any(|start| own.starts_with(start)) => Some(Self::Index),
            ("uploads", "turn" | "listed") => Some(Self::Passing),
            // Presence sets of a cluster, and what nodes write to see whether a shard works.
            (_, "online" | "connected" | "barrier" | "nodes" | "history") => Some(Self::Passing),
            (_, own) => own.starts_with("probe:").then_some(Self::Passing),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Channels;
    use super::*;
    use crate::domain::{AccountOrigin, AuditLog, UserId};

    const PREFIX: &str = "c*w:";

    fn kind(key: &str) -> Option<KeyKind> {
        KeyKind::of(Keys::new(PREFIX, 0, Channels::Plain).name_of(key).expect("a key of ours"))
    }

    #[test]
    fn every_key_of_a_room_is_read_with_its_hash() {
        let keys = Keys::new(PREFIX, 0, Channels::Sharded);
        let room = RoomId::new(7).expect("a number");
        let of_room = keys.lasting_of_room(room);
        let (hash, rest) = of_room.split_first().expect("a hash");
        assert_eq!(kind(hash), Some(KeyKind::Room(room)));
        for key in rest {
            assert_eq!(kind(key), Some(KeyKind::OfRoom), "{key}");
        }
        for key in [keys.rate(room, UserId(3)), keys.slow(room, UserId(3))] {
            assert_eq!(kind(&key), Some(KeyKind::Passing), "{key}");
        }
    }

    #[test]
    fn other_keys_are_copied_or_not_as_they_last() {
        for channels in [Channels::Plain, Channels::Sharded] {
            let keys = Keys::new(PREFIX, 0, channels);
            let user = UserId(3);
            for key in keys.of_deleted(user).iter().chain([&keys.user(user), &keys.uploaded(user)]) {
                assert_eq!(kind(key), Some(KeyKind::User), "{key}");
            }
            for key in [keys.joins(), keys.removals(), keys.deleting()] {
                assert_eq!(kind(&key), Some(KeyKind::Notes), "{key}");
            }
            let (uploads, tokens, hooks) = (keys.uploads(), keys.applications(), keys.hooks());
            let origin = keys.origin(AccountOrigin::of_application("robot"));
            let lasting = [
                [keys.name("{r:7}"), keys.look("a"), keys.email("a@b"), keys.invite("d"), keys.direct(user, user)],
                [keys.user_names(), keys.user_name_parts(), keys.names_indexed(), keys.renamed(), keys.generation()],
                [
                    keys.room_names(),
                    keys.room_name_parts(),
                    keys.public_rooms(),
                    keys.active_rooms(),
                    keys.audit(AuditLog::Administrators),
                ],
                [keys.revoked(), keys.ended(), keys.deleted(), keys.user_counter(), keys.room_counter()],
                [uploads.descriptions, uploads.used, uploads.sent, uploads.pictures, keys.stats(20_260_101)],
                [tokens.names, tokens.tokens, tokens.used, keys.audit(AuditLog::Applications), origin],
                [hooks.incoming, hooks.used, hooks.outgoing, hooks.health, keys.name("hooks")],
                [
                    hooks.makers,
                    hooks.version,
                    keys.hooks_of(None),
                    keys.hooks_of(RoomId::new(7)),
                    keys.hook_names(RoomId::GLOBAL),
                ],
                [keys.guesses("d"), keys.metrics(1), keys.name(""), keys.look(""), keys.name("nodes")],
                [keys.invites(), keys.invite(""), uploads.bytes, keys.name("invites"), keys.look("invites")],
                [keys.push_key(), keys.name("push:key"), keys.look("push"), keys.email("push"), keys.invite("push")],
            ];
            for key in lasting.as_flattened() {
                assert_eq!(kind(key), Some(KeyKind::Index), "{key}");
            }
            let passing = [
                [keys.node("n"), keys.nodes(), keys.node_settings(), keys.stats_nodes(1), keys.uploads_turn()],
                [keys.uploads_listed(), keys.online(1), keys.connected(1), keys.barrier_key("5"), keys.history("seq")],
                [
                    keys.probe_key("n", None),
                    keys.probe_key("n", Some("5")),
                    keys.online(0),
                    keys.connected(0),
                    keys.incidents(),
                ],
            ];
            for key in passing.as_flattened() {
                assert_eq!(kind(key), Some(KeyKind::Passing), "{key}");
            }
        }
        for foreign in ["2:seq:users", "other", "{r:x}", "{r:7}log", "{u:}", "{x}:y"] {
            assert_eq!(KeyKind::of(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_prefix_is_no_pattern() {
        assert_eq!(Keys::new(PREFIX, 0, Channels::Plain).pattern(), "c\\*w:*");
    }
}
