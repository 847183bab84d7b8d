//! Names of Redis keys and channels. No other file spells a key.
//!
//! Keys of one script share a hash tag, and thereby a slot in Cluster: `{r:7}` for a room, `{u:3}` for a user.
//!
//! Redis keeps the keys of its databases apart, but not their channels. Those of database 0 have the prefix alone, those of
//! database 3 begin with the prefix and `@3:`. In a cluster, channels end in `:shard` instead of `:live` and are sharded:
//! only the shard that holds the slot of their name carries them.
//!
//! Every key expires or has a reason not to:
//!
//! | key | lifetime |
//! |---|---|
//! | `{r:7}` | none: rooms last; a group or direct room without members expires after the retention |
//! | `{r:7}:log` | retention after the room's last message, or up to a second less |
//! | `{r:7}:gone`, `:amended` | up to two hours longer than the log |
//! | `{r:7}:members`, `:admins`, `:removed`, `{u:3}:rooms` | none: membership lasts |
//! | `{u:3}:pending` | none: removed when the list of rooms is read ten minutes later |
//! | `{u:3}:made` | a day after the first room that it counts |
//! | `{r:7}:links` | 30 days after the last link has expired |
//! | `{r:7}:reads`, `:got` | retention after the last receipt |
//! | `{u:3}:marks` | retention after the last receipt |
//! | `{u:3}:settings` | none: settings of conversations last as long as the membership |
//! | `{u:3}:push` | as long as a token after the last subscription |
//! | `{u:3}:focused` | two and a half minutes after the last renewal by a node |
//! | `push:key` | none: browsers have subscribed to it |
//! | `audit`, `audit:applications` | 90 days after the last entry; the latest 10,000 entries of that time |
//! | `{applications}:names`, `:tokens`, `:used` | none: a token lasts until it is revoked |
//! | `{hooks}:incoming`, `:used`, `:outgoing`, `:health`, `:of:…`, `:makers` | none: a webhook lasts until it is removed |
//! | `{hooks}:names:…` | none: as long as the room |
//! | `{hooks}:version` | none: nodes compare it |
//! | `{u:3}:blocks` | none: a block lasts until it is lifted |
//! | `{r:7}:former`, `:former:log` | none: remains of a removed room, until a node has finished the removal |
//! | `removals` | none: nodes finish and remove entries that are half a minute old |
//! | `joins` | none: nodes announce and remove entries that are half a minute old |
//! | `direct:<lo>:<hi>` | none: direct rooms last |
//! | `{r:7}:ids:1`, `:2` | two days after they came into use |
//! | `{r:7}:sent:…` | a minute: ids that a proxy assigned; 24 hours: ids of clients, as the previous version keeps them |
//! | `{r:7}:rate:…` | until the whole burst is available again |
//! | `{r:7}:slow:…` | the pause between two messages in slow mode |
//! | `guesses:…` | `limits.wrong_passwords_secs` after the first attempt, or after the wait that the last one caused |
//! | `{u:3}`, `name:…`, `look:…`, `email:…` | none: accounts last |
//! | `origin:…` | none: an account that was deleted is not created again |
//! | `{u:3}:logins` | 30 days after the latest login |
//! | `invite:…` | as long as it is valid |
//! | `invites` | none: entries of invites that have expired are removed when the next one is made |
//! | `{u:3}:uploaded` | a day after the first upload that it counts |
//! | `{uploads}:used`, `:sent`, `:about`, `:pictures` | none: entries are removed with their file |
//! | `{uploads}:bytes` | none: entries are removed with the last file of their user |
//! | `{uploads}:turn`, `:listed` | until another node may clean up the files |
//! | `{u:3}:seen` | a while after the user went offline |
//! | `online:…`, in a cluster `{o:…}:online`, and `rooms:active` | none: nodes trim old entries every minute |
//! | `connected:…`, in a cluster `{o:…}:connected` | none: nodes remove users whom no node has renewed |
//! | `rooms:public`, `rooms:names`, `names`, `…names:parts`, `seq:…` | none: the listing and the counters |
//! | `names:indexed` | none: says that the names of earlier versions are indexed |
//! | `{…seq:…}:history`, `generation` | none: they say which numbers and tokens are lost |
//! | `stats:<day>`, `{cw:stats:<day>}:nodes` | two days |
//! | `node:<id>` | five reports: a lease that each report renews |
//! | `nodes` | none: nodes trim entries without a report in the last hour |
//! | `nodes:incidents` | a week after the last incident; the latest 500 |
//! | `probe:<id>`, `{…}:probe:<id>` | ten seconds: shows that Redis, or a shard, takes writes |
//! | `{…}:barrier` | ten seconds: written in order to wait for a shard's replicas |
//! | `nodes:settings` | none: a node that starts removes those without a report in the last hour |
//! | `figures:<hour>` | 25 hours after the last report of the hour |
//! | `deleting` | none: nodes finish deletions and remove their entries |
//! | `revoked`, `ended`, `renamed`, `deleted` | none: entries older than any token and message are trimmed at each write |

mod kinds;

use std::ops::Range;
use std::sync::Arc;

use redis::Cmd;

pub(in crate::store) use kinds::KeyKind;

use crate::domain::{AccountOrigin, AuditLog, ClientId, RoomId, UserId};

/// Number of sorted sets that share the online users, and of those that share the connected ones, on one server and in a
/// cluster. Sixteen names leave 12 of 16 shards without any.
const PRESENCE_SETS: u64 = 16;
const PRESENCE_SETS_OF_CLUSTER: u64 = 256;
/// Number of channels that share the events of users.
pub(in crate::store) const USER_CHANNELS: u64 = 64;

/// Creates the names of keys under a prefix.
#[derive(Clone, Debug)]
pub(in crate::store) struct Keys {
    prefix: Arc<str>,
    channel_prefix: Arc<str>,
    channels: Channels,
}

/// What a channel is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Topic {
    Room(RoomId),
    /// One of the channels that share the events of users.
    Users(u64),
    /// Messages between nodes.
    Nodes,
}

/// How the events of rooms and users reach the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Channels {
    /// The one server publishes to all of its subscribers.
    Plain,
    /// In a cluster: each shard publishes to those of its own channels.
    Sharded,
}

impl Channels {
    /// The command that publishes.
    fn publish(self) -> &'static str {
        match self {
            Self::Plain => "PUBLISH",
            Self::Sharded => "SPUBLISH",
        }
    }

    /// The end of a channel's name. Scripts choose the command by it.
    fn ending(self) -> &'static str {
        match self {
            Self::Plain => ":live",
            Self::Sharded => ":shard",
        }
    }
}

/// The keys of one room.
pub(in crate::store) struct RoomKeys {
    /// Hash: number, kind, name, description, avatar, owner, pair, created, seq, ms, gone, slow (seconds between two messages
    /// of a member), bots (members who are no persons, with commas between them), swept (when the log's expiry was last renewed), ids, announced; that of the global room also ids_since;
    /// those of direct rooms also `blocked:<user>` for a user whom the other one blocks. That of a removed room has former
    /// (its kind) and name alone, until the removal is finished.
    pub(in crate::store) room: String,
    /// Stream of the messages.
    pub(in crate::store) log: String,
    /// Sorted set: user → joined ms.
    pub(in crate::store) members: String,
    /// Hash: the amendments of messages, as `amendments` describes.
    pub(in crate::store) amendments: String,
    /// Hash: details of amendments, as `amendments` describes.
    pub(in crate::store) details: String,
    /// Channel of the room's events.
    pub(in crate::store) live: String,
    /// Set: members who are admins.
    pub(in crate::store) admins: String,
    /// Sorted set: user who was removed and may not join → removed ms; the latest 10,000.
    pub(in crate::store) removed: String,
    /// Hash: user → runs of seq read, with times.
    pub(in crate::store) read: String,
    /// Hash: user → runs of seq received.
    pub(in crate::store) delivered: String,
}

/// The keys of the tokens of applications.
pub(in crate::store) struct ApplicationKeys {
    /// Hash: folded name → digest of the token.
    pub(in crate::store) names: String,
    /// Hash: digest of a token → what is stored of it.
    pub(in crate::store) tokens: String,
    /// Hash: digest of a token → when it was last used, ms; written once a minute.
    pub(in crate::store) used: String,
}

/// The keys of webhooks.
pub(in crate::store) struct HookKeys {
    /// Hash: digest of a token → what is stored of an incoming hook.
    pub(in crate::store) incoming: String,
    /// Hash: digest of a token → when it was last used, ms; written once a minute.
    pub(in crate::store) used: String,
    /// Hash: id → what is stored of an outgoing hook.
    pub(in crate::store) outgoing: String,
    /// Hash: `id:what` → how the deliveries of an outgoing hook fare. What is ok (when one last succeeded), since (when they
    /// began to fail), error (of the last one; behind a line break what only operators read) or lost (number of messages
    /// given up).
    pub(in crate::store) health: String,
    /// Hash: user → number of hooks that the user has made.
    pub(in crate::store) makers: String,
    /// String: another one after each change of hooks.
    pub(in crate::store) version: String,
}

/// The keys of all uploaded files.
pub(in crate::store) struct UploadKeys {
    /// Hash: path → name, charset and message, as `uploads` describes.
    pub(in crate::store) descriptions: String,
    /// Sorted set: path → last use, ms; of files that belong to no message.
    pub(in crate::store) used: String,
    /// Sorted set: path → when a node last looked for the message of the file, ms.
    pub(in crate::store) sent: String,
    /// Sorted set: user → bytes of the files that the user uploaded and that are stored.
    pub(in crate::store) bytes: String,
    /// Hash: user or room → path of its avatar, and path → number of those who have it.
    pub(in crate::store) pictures: String,
}

impl Keys {
    pub(in crate::store) fn new(prefix: &str, database: i64, channels: Channels) -> Self {
        let channel_prefix = match database {
            0 => prefix.into(),
            database => format!("{prefix}@{database}:").into(),
        };
        Self { prefix: prefix.into(), channel_prefix, channels }
    }

    /// The command that publishes an event to a channel.
    pub(in crate::store) fn publish(&self, channel: &str, event: &str) -> Cmd {
        redis::cmd(self.channels.publish()).arg(channel).arg(event).to_owned()
    }

    pub(in crate::store) fn room(&self, room: RoomId) -> RoomKeys {
        let base = format!("{}{{r:{}}}", self.prefix, room.number());
        // Every request to a room needs these names, and `format!` costs several times as much.
        let with = |ending: &str| [&*base, ending].concat();
        RoomKeys {
            log: with(":log"),
            members: with(":members"),
            amendments: with(":gone"),
            details: with(":amended"),
            live: [&*self.channel_prefix, &base[self.prefix.len()..], self.channels.ending()].concat(),
            admins: with(":admins"),
            removed: with(":removed"),
            read: with(":reads"),
            delivered: with(":got"),
            room: base,
        }
    }

    /// Hashes that are used in turn: digest of sender and client id → message, as `append_message.lua` describes.
    pub(in crate::store) fn client_ids(&self, room: RoomId) -> [String; 2] {
        [1, 2].map(|turn| format!("{}{{r:{}}}:ids:{turn}", self.prefix, room.number()))
    }

    /// String: entry id and body hash of the message that a user sent with a client id.
    pub(in crate::store) fn sent(&self, room: RoomId, user: UserId, id: &ClientId) -> String {
        format!("{}{{r:{}}}:sent:{user}:{}", self.prefix, room.number(), id.as_str())
    }

    /// Hash: digest of the token of a link → the link, as `links.lua` describes.
    pub(in crate::store) fn links(&self, room: RoomId) -> String {
        format!("{}{{r:{}}}:links", self.prefix, room.number())
    }

    /// String: theoretical arrival time of a user's next message in a room.
    pub(in crate::store) fn rate(&self, room: RoomId, user: UserId) -> String {
        format!("{}{{r:{}}}:rate:{user}", self.prefix, room.number())
    }

    /// String: password attempts for an account from an address, whose digest this is, as `count_guess.lua`
    /// describes.
    pub(in crate::store) fn guesses(&self, digest: &str) -> String {
        format!("{}guesses:{digest}", self.prefix)
    }

    /// String: bytes that a user has uploaded since the day began.
    pub(in crate::store) fn uploaded(&self, user: UserId) -> String {
        format!("{}{{u:{user}}}:uploaded", self.prefix)
    }

    pub(in crate::store) fn uploads(&self) -> UploadKeys {
        let base = format!("{}{{uploads}}", self.prefix);
        UploadKeys {
            descriptions: format!("{base}:about"),
            used: format!("{base}:used"),
            sent: format!("{base}:sent"),
            bytes: format!("{base}:bytes"),
            pictures: format!("{base}:pictures"),
        }
    }

    /// String: the node that looks after uploads.
    pub(in crate::store) fn uploads_turn(&self) -> String {
        format!("{}{{uploads}}:turn", self.prefix)
    }

    /// String: the node that listed all uploads.
    pub(in crate::store) fn uploads_listed(&self) -> String {
        format!("{}{{uploads}}:listed", self.prefix)
    }

    /// String: time of a user's latest message in a room in slow mode, ms.
    pub(in crate::store) fn slow(&self, room: RoomId, user: UserId) -> String {
        format!("{}{{r:{}}}:slow:{user}", self.prefix, room.number())
    }

    /// Hash: an account.
    pub(in crate::store) fn user(&self, user: UserId) -> String {
        format!("{}{{u:{user}}}", self.prefix)
    }

    /// Sorted set: the rooms of a user, scored by kind and, for direct ones, by the other user.
    pub(in crate::store) fn user_rooms(&self, user: UserId) -> String {
        format!("{}{{u:{user}}}:rooms", self.prefix)
    }

    /// Sorted set: rooms of which a user has just become a member, `room`, or is about to, `room:attempt` → time, ms. The
    /// list of rooms may lack these.
    pub(in crate::store) fn pending_rooms(&self, user: UserId) -> String {
        format!("{}{{u:{user}}}:pending", self.prefix)
    }

    /// String: rooms that a user has created in the day since the first of them.
    pub(in crate::store) fn rooms_made(&self, user: UserId) -> String {
        format!("{}{{u:{user}}}:made", self.prefix)
    }

    /// Sorted set: user whom this user blocks → since when, ms.
    pub(in crate::store) fn blocks(&self, user: UserId) -> String {
        format!("{}{{u:{user}}}:blocks", self.prefix)
    }

    /// Sorted set: `room:attempt` → time of an attempt to remove a room, ms. Removed once nothing is left of the room.
    pub(in crate::store) fn removals(&self) -> String {
        format!("{}removals", self.prefix)
    }

    /// Sorted set: the members of a room that was removed, who still have it in their lists.
    pub(in crate::store) fn former_members(&self, room: RoomId) -> String {
        format!("{}{{r:{}}}:former", self.prefix, room.number())
    }

    /// Stream: the messages of a room that was removed, whose files still exist.
    pub(in crate::store) fn former_log(&self, room: RoomId) -> String {
        format!("{}{{r:{}}}:former:log", self.prefix, room.number())
    }

    /// Sorted set: `room:user:attempt` → time of an attempt to make a user a member, ms. Removed once it is announced.
    pub(in crate::store) fn joins(&self) -> String {
        format!("{}joins", self.prefix)
    }

    /// Sorted set: room → highest seq that a user has read.
    pub(in crate::store) fn read_cursors(&self, user: UserId) -> String {
        format!("{}{{u:{user}}}:marks", self.prefix)
    }

    /// Hash: room → what a user has set for it, as `conversation_settings` describes.
    pub(in crate::store) fn conversation_settings(&self, user: UserId) -> String {
        format!("{}{{u:{user}}}:settings", self.prefix)
    }

    /// String: the direct room of two users.
    pub(in crate::store) fn direct(&self, low: UserId, high: UserId) -> String {
        format!("{}direct:{low}:{high}", self.prefix)
    }

    /// Hash: name, ip, agent, at (ms) of the latest activity, login (ms).
    pub(in crate::store) fn seen(&self, user: UserId) -> String {
        format!("{}{{u:{user}}}:seen", self.prefix)
    }

    /// Stream: the latest logins, as `sessions.rs` describes.
    pub(in crate::store) fn logins(&self, user: UserId) -> String {
        format!("{}{{u:{user}}}:logins", self.prefix)
    }

    /// Numbers of the sets that share the online users, and of those that share the connected ones.
    pub(in crate::store) fn presence_sets(&self) -> Range<u64> {
        match self.channels {
            Channels::Plain => 0..PRESENCE_SETS,
            Channels::Sharded => 0..PRESENCE_SETS_OF_CLUSTER,
        }
    }

    /// Sorted set: user → last activity, ms.
    pub(in crate::store) fn online(&self, set: u64) -> String {
        self.presence_set("online", set)
    }

    /// The set that holds a user.
    pub(in crate::store) fn online_of(&self, user: UserId) -> String {
        self.online(user.0 % self.presence_sets().end)
    }

    /// Sorted set: user with an open socket → when a node last renewed it, ms.
    pub(in crate::store) fn connected(&self, set: u64) -> String {
        self.presence_set("connected", set)
    }

    /// The set that holds a connected user.
    pub(in crate::store) fn connected_of(&self, user: UserId) -> String {
        self.connected(user.0 % self.presence_sets().end)
    }

    fn presence_set(&self, name: &str, set: u64) -> String {
        match self.channels {
            Channels::Plain => format!("{}{name}:{set}", self.prefix),
            Channels::Sharded => format!("{}{{o:{set}}}:{name}", self.prefix),
        }
    }

    /// What a single server that became a cluster has left of its sets.
    pub(in crate::store) fn presence_before_cluster(&self) -> Vec<String> {
        let before = Self { channels: Channels::Plain, ..self.clone() };
        match self.channels {
            Channels::Plain => Vec::new(),
            Channels::Sharded => {
                before.presence_sets().flat_map(|set| [before.online(set), before.connected(set)]).collect()
            }
        }
    }

    /// String: the user with a name.
    pub(in crate::store) fn name(&self, folded: &str) -> String {
        format!("{}name:{folded}", self.prefix)
    }

    /// String: `user:ms`, the user with a name of this form and the time of the claim. Names that look alike share a form.
    pub(in crate::store) fn look(&self, look: &str) -> String {
        format!("{}look:{look}", self.prefix)
    }

    /// String: the user with an e-mail address.
    pub(in crate::store) fn email(&self, folded: &str) -> String {
        format!("{}email:{folded}", self.prefix)
    }

    /// Hash: how many accounts may use an invite, and those that have, as `take_invite.lua` describes.
    pub(in crate::store) fn invite(&self, digest: &str) -> String {
        format!("{}invite:{digest}", self.prefix)
    }

    /// Sorted set: id of an invite → when it expires, ms.
    pub(in crate::store) fn invites(&self) -> String {
        format!("{}invites", self.prefix)
    }

    /// Sorted set: user → time of the last change of name, ms.
    pub(in crate::store) fn renamed(&self) -> String {
        format!("{}renamed", self.prefix)
    }

    /// Sorted set by text: `folded name\0number` of every user.
    pub(in crate::store) fn user_names(&self) -> String {
        format!("{}names", self.prefix)
    }

    /// Sorted set by text: `part\0number` of every part but the whole by which a user's name is found.
    pub(in crate::store) fn user_name_parts(&self) -> String {
        format!("{}names:parts", self.prefix)
    }

    /// String: present once the names that earlier versions stored are indexed by their parts and forms.
    pub(in crate::store) fn names_indexed(&self) -> String {
        format!("{}names:indexed", self.prefix)
    }

    /// Sorted set by text: `part\0number` of every part but the whole by which a public room's name is found.
    pub(in crate::store) fn room_name_parts(&self) -> String {
        format!("{}rooms:names:parts", self.prefix)
    }

    /// Sorted set by text: `folded name\0number` of every public room.
    pub(in crate::store) fn room_names(&self) -> String {
        format!("{}rooms:names", self.prefix)
    }

    /// Sorted set: the public rooms by number.
    pub(in crate::store) fn public_rooms(&self) -> String {
        format!("{}rooms:public", self.prefix)
    }

    /// Sorted set: room → last activity ms, written at most once a minute per room and node.
    pub(in crate::store) fn active_rooms(&self) -> String {
        format!("{}rooms:active", self.prefix)
    }

    /// String: messages of a day, `yyyymmdd` in the time zone of the statistics.
    pub(in crate::store) fn stats(&self, day: u32) -> String {
        format!("{}stats:{day}", self.prefix)
    }

    /// Hash: node → messages of a day that it has counted. Shares the slot of the day's counter.
    pub(in crate::store) fn stats_nodes(&self, day: u32) -> String {
        format!("{}{{{}}}:nodes", self.prefix, self.stats(day))
    }

    /// String: the row of a node.
    pub(in crate::store) fn node(&self, node: &str) -> String {
        format!("{}node:{node}", self.prefix)
    }

    /// Sorted set: node → time of its last report, ms.
    pub(in crate::store) fn nodes(&self) -> String {
        format!("{}nodes", self.prefix)
    }

    /// Sorted set: what happened to nodes and to Redis → when, ms.
    pub(in crate::store) fn incidents(&self) -> String {
        format!("{}nodes:incidents", self.prefix)
    }

    /// Hash: node → the settings with which it started, JSON.
    pub(in crate::store) fn node_settings(&self) -> String {
        format!("{}nodes:settings", self.prefix)
    }

    /// Hash of an hour since 1970: `minute:node` → the node's metrics of that minute.
    pub(in crate::store) fn metrics(&self, hour: u64) -> String {
        format!("{}figures:{hour}", self.prefix)
    }

    /// Sorted set: user → epoch; tokens of older epochs are invalid.
    pub(in crate::store) fn revoked(&self) -> String {
        format!("{}revoked", self.prefix)
    }

    /// Sorted set: token that ended alone → time of its end, ms.
    pub(in crate::store) fn ended(&self) -> String {
        format!("{}ended", self.prefix)
    }

    /// Sorted set: user whose account was deleted → time of the deletion, ms.
    pub(in crate::store) fn deleted(&self) -> String {
        format!("{}deleted", self.prefix)
    }

    /// Sorted set: user whose account is being deleted → time at which that began, ms.
    pub(in crate::store) fn deleting(&self) -> String {
        format!("{}deleting", self.prefix)
    }

    /// Every key of a room that lasts, the hash first.
    pub(in crate::store) fn lasting_of_room(&self, room: RoomId) -> Vec<String> {
        let RoomKeys { room: hash, log, members, amendments, details, live: _, admins, removed, read, delivered } =
            self.room(room);
        let mut keys = vec![hash, log, members, amendments, details, admins, removed, read, delivered];
        keys.extend(self.client_ids(room));
        keys.extend([self.former_members(room), self.former_log(room), self.links(room)]);
        keys
    }

    /// Hash: digest of an address → a subscription to notifications, as `push` describes.
    pub(in crate::store) fn push(&self, user: UserId) -> String {
        format!("{}{{u:{user}}}:push", self.prefix)
    }

    /// Sorted set: nodes where a window of the user has the focus, by the time of their last renewal.
    pub(in crate::store) fn focused(&self, user: UserId) -> String {
        format!("{}{{u:{user}}}:focused", self.prefix)
    }

    /// String: the private key with which notifications are sent.
    pub(in crate::store) fn push_key(&self) -> String {
        format!("{}push:key", self.prefix)
    }

    /// The keys of a user that go with the account.
    pub(in crate::store) fn of_deleted(&self, user: UserId) -> [String; 10] {
        let (rooms, pending) = (self.user_rooms(user), self.pending_rooms(user));
        let (made, blocks) = (self.rooms_made(user), self.blocks(user));
        let (settings, push, focused) = (self.conversation_settings(user), self.push(user), self.focused(user));
        [
            rooms,
            pending,
            self.read_cursors(user),
            self.seen(user),
            self.logins(user),
            made,
            blocks,
            settings,
            push,
            focused,
        ]
    }

    /// Stream: what administrators did, or applications.
    pub(in crate::store) fn audit(&self, log: AuditLog) -> String {
        match log {
            AuditLog::Administrators => format!("{}audit", self.prefix),
            AuditLog::Applications => format!("{}audit:applications", self.prefix),
        }
    }

    /// String: the account of an origin.
    pub(in crate::store) fn origin(&self, origin: AccountOrigin) -> String {
        format!("{}origin:{origin}", self.prefix)
    }

    pub(in crate::store) fn applications(&self) -> ApplicationKeys {
        let base = format!("{}{{applications}}", self.prefix);
        ApplicationKeys {
            names: format!("{base}:names"),
            tokens: format!("{base}:tokens"),
            used: format!("{base}:used"),
        }
    }

    pub(in crate::store) fn hooks(&self) -> HookKeys {
        let base = format!("{}{{hooks}}", self.prefix);
        HookKeys {
            incoming: format!("{base}:incoming"),
            used: format!("{base}:used"),
            outgoing: format!("{base}:outgoing"),
            health: format!("{base}:health"),
            makers: format!("{base}:makers"),
            version: format!("{base}:version"),
        }
    }

    /// Hash: id of a hook of a room, or of those of all rooms → digest of its token, empty for an outgoing one.
    pub(in crate::store) fn hooks_of(&self, room: Option<RoomId>) -> String {
        format!("{}{{hooks}}:of:{}", self.prefix, room.map_or(0, RoomId::number))
    }

    /// Hash: folded name under which hooks of a room have posted → 1.
    pub(in crate::store) fn hook_names(&self, room: RoomId) -> String {
        format!("{}{{hooks}}:names:{}", self.prefix, room.number())
    }

    /// Counter of users.
    pub(in crate::store) fn user_counter(&self) -> String {
        format!("{}seq:users", self.prefix)
    }

    /// Counter of rooms.
    pub(in crate::store) fn room_counter(&self) -> String {
        format!("{}seq:rooms", self.prefix)
    }

    /// String: replication id of the server that assigned the last number of a counter. In the counter's slot: an
    /// untagged key is its own tag.
    pub(in crate::store) fn history(&self, counter: &str) -> String {
        format!("{}{{{counter}}}:history", self.prefix)
    }

    /// String: time at which a backup was last restored, ms. Tokens of another generation are invalid.
    pub(in crate::store) fn generation(&self) -> String {
        format!("{}generation", self.prefix)
    }

    /// Channel of the events of a user.
    pub(in crate::store) fn users_live(&self, user: UserId) -> String {
        self.users_live_shard(user.0 % USER_CHANNELS)
    }

    /// One of the channels of users' events.
    pub(in crate::store) fn users_live_shard(&self, shard: u64) -> String {
        match self.channels {
            Channels::Plain => format!("{}users:live:{shard}", self.channel_prefix),
            Channels::Sharded => format!("{}{{users:{shard}}}:shard", self.channel_prefix),
        }
    }

    /// Channel for messages between nodes.
    pub(in crate::store) fn nodes_live(&self) -> String {
        format!("{}nodes{}", self.channel_prefix, self.channels.ending())
    }

    /// Channel on which a node publishes to itself, to check that delivery works. In a cluster, `tag` makes it one of the
    /// shard to be checked.
    pub(in crate::store) fn probe(&self, node: &str, tag: Option<&str>) -> String {
        format!("{}{}probe:{node}", self.channel_prefix, in_braces(tag))
    }

    /// String: what the node writes together with each probe.
    pub(in crate::store) fn probe_key(&self, node: &str, tag: Option<&str>) -> String {
        format!("{}{}probe:{node}", self.prefix, in_braces(tag))
    }

    /// String: written before a node waits for the replicas of a shard, so that there is something to wait for.
    pub(in crate::store) fn barrier_key(&self, tag: &str) -> String {
        format!("{}{{{tag}}}:barrier", self.prefix)
    }

    /// Channel without subscribers. Publishing to it is a write that replicas receive and that stores nothing.
    pub(in crate::store) fn barrier(&self) -> String {
        format!("{}barrier", self.channel_prefix)
    }

    /// The channel of a topic.
    pub(super) fn channel(&self, topic: Topic) -> String {
        match topic {
            Topic::Room(room) => self.room(room).live,
            Topic::Users(shard) => self.users_live_shard(shard),
            Topic::Nodes => self.nodes_live(),
        }
    }

    /// The topic of a channel.
    pub(super) fn topic_of_channel(&self, channel: &str) -> Option<Topic> {
        if let Some(room) = self.room_of_channel(channel) {
            return Some(Topic::Room(room));
        }
        if channel == self.nodes_live() {
            return Some(Topic::Nodes);
        }
        (0..USER_CHANNELS).find(|shard| self.users_live_shard(*shard) == channel).map(Topic::Users)
    }

    /// The room of a channel. `None` for channels that are not of rooms.
    pub(in crate::store) fn room_of_channel(&self, channel: &str) -> Option<RoomId> {
        let rest = channel.strip_prefix(&*self.channel_prefix)?.strip_suffix(self.channels.ending())?;
        RoomId::new(rest.strip_prefix("{r:")?.strip_suffix('}')?.parse().ok()?)
    }
}

fn in_braces(tag: Option<&str>) -> String {
    tag.map(|tag| format!("{{{tag}}}:")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_channels_are_recognised() {
        let keys = Keys::new("cw:", 0, Channels::Plain);
        let channel = keys.room(RoomId::GLOBAL).live;
        assert_eq!(channel, "cw:{r:1}:live");
        assert_eq!(keys.room_of_channel(&channel), Some(RoomId::GLOBAL));
        assert_eq!(keys.room_of_channel("cw:users:live:3"), None);
    }

    #[test]
    fn channels_of_another_database_have_other_names() {
        let keys = Keys::new("cw:", 3, Channels::Plain);
        let room = keys.room(RoomId::GLOBAL);
        assert_eq!((room.log.as_str(), room.live.as_str()), ("cw:{r:1}:log", "cw:@3:{r:1}:live"));
        assert_eq!(keys.room_of_channel(&room.live), Some(RoomId::GLOBAL));
        assert_eq!(keys.room_of_channel("cw:{r:1}:live"), None);
        assert_eq!(keys.users_live_shard(2), "cw:@3:users:live:2");
        assert_ne!(keys.probe("a", None), keys.probe_key("a", None));
    }

    #[test]
    fn channels_of_a_cluster_end_as_the_scripts_expect_it() {
        let keys = Keys::new("cw:", 0, Channels::Sharded);
        let channel = keys.room(RoomId::GLOBAL).live;
        assert_eq!(channel, "cw:{r:1}:shard");
        assert_eq!(keys.room_of_channel(&channel), Some(RoomId::GLOBAL));
        assert_eq!(keys.room_of_channel(&keys.users_live_shard(3)), None);
        assert_eq!(keys.probe("n", Some("5")), "cw:{5}:probe:n");
    }

    #[test]
    fn a_cluster_has_more_sets_of_users_and_knows_those_of_the_server_that_it_was() {
        let (one, many) = (Keys::new("cw:", 0, Channels::Plain), Keys::new("cw:", 0, Channels::Sharded));
        let user = UserId(259);
        assert_eq!([one.online_of(user), one.connected_of(user)], ["cw:online:3", "cw:connected:3"]);
        assert_eq!([many.online_of(user), many.connected_of(user)], ["cw:{o:3}:online", "cw:{o:3}:connected"]);
        assert_eq!((one.presence_sets(), many.presence_sets()), (0..16, 0..256));
        assert_eq!(one.presence_before_cluster(), Vec::<String>::new());
        let mut of_one: Vec<String> =
            one.presence_sets().flat_map(|set| [one.online(set), one.connected(set)]).collect();
        let mut before = many.presence_before_cluster();
        of_one.sort_unstable();
        before.sort_unstable();
        assert_eq!(before, of_one);
    }
}
