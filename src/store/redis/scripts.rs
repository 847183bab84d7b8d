//! The Lua scripts: loaded at each connect, called by hash, and sent in full when Redis does not know them.
//!
//! Each script has a file of its own, whose header names KEYS, ARGV and replies. Shared functions are in files that are
//! prepended to the scripts: `prelude.lua` (writing to a room), `amendments.lua` (reading amendments), `amend.lua` (writing
//! an amendment), `delivery.lua` (who delivers to a webhook), `mentions.lua` (whom records mention), `links.lua` (links to rooms), `pins.lua` (pinned messages),
//! `runs.lua` (messages of receipts), `uploaded_bytes.lua` (whom files count for), `walk.lua` (skipping deleted messages).

use std::sync::LazyLock;

use redis::{Cmd, Pipeline, ServerError, ServerErrorKind};

use super::script_source::stripped;

/// A script's source and its hash.
pub(in crate::store) struct Script {
    code: String,
    hash: String,
}

impl Script {
    fn new(code: &str) -> Self {
        let code = stripped(code);
        Self { hash: redis::Script::new(&code).get_hash().to_owned(), code }
    }
}

macro_rules! script {
    ($(#[$doc:meta])* $name:ident = $($file:literal),+) => {
        $(#[$doc])*
        pub(in crate::store) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!($(include_str!($file)),+)));
    };
}

script!(
    APPEND_MESSAGE = "../lua/amendments.lua",
    "../lua/prelude.lua",
    "../lua/mentions.lua",
    "../lua/append_message.lua"
);
script!(ANNOUNCE_MESSAGES = "../lua/prelude.lua", "../lua/announce_messages.lua");
script!(CREATE_ROOM = "../lua/prelude.lua", "../lua/create_room.lua");
script!(ADD_MEMBER = "../lua/prelude.lua", "../lua/links.lua", "../lua/add_member.lua");
script!(REMOVE_MEMBER = "../lua/prelude.lua", "../lua/remove_member.lua");
script!(CHANGE_ROOM = "../lua/prelude.lua", "../lua/change_room.lua");
script!(MAKE_LINK = "../lua/prelude.lua", "../lua/links.lua", "../lua/make_link.lua");
script!(LIST_LINKS = "../lua/prelude.lua", "../lua/links.lua", "../lua/list_links.lua");
script!(REVOKE_LINK = "../lua/prelude.lua", "../lua/links.lua", "../lua/revoke_link.lua");
script!(READ_LINK = "../lua/prelude.lua", "../lua/links.lua", "../lua/read_link.lua");
script!(REMOVE_ROOM = "../lua/prelude.lua", "../lua/remove_room.lua");
script!(MEMBER_SINCE = "../lua/prelude.lua", "../lua/member_since.lua");
script!(RESERVE_ROOM = "../lua/reserve_room.lua");
script!(MARK_BOT = "../lua/prelude.lua", "../lua/mark_bot.lua");
script!(SET_ROLE = "../lua/set_role.lua");
script!(
    DELETE_MESSAGE = "../lua/amendments.lua",
    "../lua/prelude.lua",
    "../lua/amend.lua",
    "../lua/delete_message.lua"
);
script!(
    EDIT_MESSAGE = "../lua/amendments.lua",
    "../lua/prelude.lua",
    "../lua/amend.lua",
    "../lua/mentions.lua",
    "../lua/edit_message.lua"
);
script!(REACT = "../lua/amendments.lua", "../lua/prelude.lua", "../lua/amend.lua", "../lua/react.lua");
script!(PIN = "../lua/amendments.lua", "../lua/prelude.lua", "../lua/amend.lua", "../lua/pins.lua", "../lua/pin.lua");
script!(
    PINNED_MESSAGES = "../lua/amendments.lua",
    "../lua/prelude.lua",
    "../lua/pins.lua",
    "../lua/pinned_messages.lua"
);
script!(MARK_DELIVERED = "../lua/prelude.lua", "../lua/runs.lua", "../lua/mark_delivered.lua");
script!(MARK_READ = "../lua/prelude.lua", "../lua/runs.lua", "../lua/mark_read.lua");
script!(ANNOUNCE_TYPING = "../lua/prelude.lua", "../lua/announce_typing.lua");
script!(COUNT_GUESS = "../lua/prelude.lua", "../lua/count_guess.lua");
script!(ROOM_CARD = "../lua/amendments.lua", "../lua/walk.lua", "../lua/room_card.lua");
script!(CONVERSATION = "../lua/amendments.lua", "../lua/walk.lua", "../lua/mentions.lua", "../lua/conversation.lua");
script!(COUNT_MESSAGES = "../lua/count_messages.lua");
script!(RENEW_CONNECTED = "../lua/renew_connected.lua");
script!(EXPIRE_CONNECTED = "../lua/expire_connected.lua");
script!(RAISE_SEQ = "../lua/raise_seq.lua");
script!(REVOKE = "../lua/revoke.lua");
script!(CHANGE_PROFILE = "../lua/change_profile.lua");
script!(RECORD_ACTIVITY = "../lua/record_activity.lua");
script!(USE_PASSWORD = "../lua/use_password.lua");
script!(NEXT_NUMBER = "../lua/next_number.lua");
script!(CREATE_ACCOUNT = "../lua/create_account.lua");
script!(DELETE_ACCOUNT = "../lua/delete_account.lua");
script!(RELEASE = "../lua/release.lua");
script!(LEAVE_DIRECT = "../lua/leave_direct.lua");
script!(CREATE_INVITE = "../lua/create_invite.lua");
script!(SETTLE = "../lua/settle.lua");
script!(TAKE_INVITE = "../lua/take_invite.lua");
script!(POINT = "../lua/point.lua");
script!(CHANGE_CONVERSATION = "../lua/change_conversation.lua");
script!(CLAIM_LOOK = "../lua/claim_look.lua");
script!(RELEASE_LOOK = "../lua/release_look.lua");
script!(COUNT_UPLOAD = "../lua/count_upload.lua");
script!(CLAIM_UPLOADS = "../lua/uploaded_bytes.lua", "../lua/claim_uploads.lua");
script!(FORGET_UPLOAD = "../lua/uploaded_bytes.lua", "../lua/forget_upload.lua");
script!(KEEP_PICTURE = "../lua/keep_picture.lua");
script!(BLOCK = "../lua/block.lua");
script!(COPY_BLOCK = "../lua/copy_block.lua");
script!(SENDERS = "../lua/mentions.lua", "../lua/senders.lua");
script!(ANNOUNCE_SETTINGS = "../lua/announce_settings.lua");
script!(CREATE_APPLICATION = "../lua/create_application.lua");
script!(USE_APPLICATION = "../lua/use_application.lua");
script!(REVOKE_APPLICATION = "../lua/revoke_application.lua");
script!(CREATE_HOOK = "../lua/create_hook.lua");
script!(REMOVE_HOOK = "../lua/remove_hook.lua");
script!(RESERVE_HOOK_NAME = "../lua/reserve_hook_name.lua");
script!(
    NEXT_DELIVERY = "../lua/amendments.lua",
    "../lua/prelude.lua",
    "../lua/delivery.lua",
    "../lua/next_delivery.lua"
);
script!(SETTLE_DELIVERY = "../lua/prelude.lua", "../lua/delivery.lua", "../lua/settle_delivery.lua");
script!(NOTE_DELIVERY = "../lua/note_delivery.lua");
script!(READ_KEYS = "../lua/read_keys.lua");
script!(SUBSCRIBE_PUSH = "../lua/subscribe_push.lua");
script!(END_PUSH = "../lua/end_push.lua");
script!(PUSH_TARGETS = "../lua/push_targets.lua");

/// One pipeline that loads every script.
pub(in crate::store) fn load_all() -> Pipeline {
    load(&ALL.iter().map(|script| &***script).collect::<Vec<&Script>>())
}

static ALL: &[&LazyLock<Script>] = &[
    &APPEND_MESSAGE,
    &ANNOUNCE_MESSAGES,
    &CREATE_ROOM,
    &ADD_MEMBER,
    &REMOVE_MEMBER,
    &CHANGE_ROOM,
    &MAKE_LINK,
    &LIST_LINKS,
    &REVOKE_LINK,
    &READ_LINK,
    &REMOVE_ROOM,
    &MEMBER_SINCE,
    &RESERVE_ROOM,
    &MARK_BOT,
    &SET_ROLE,
    &DELETE_MESSAGE,
    &EDIT_MESSAGE,
    &REACT,
    &PIN,
    &PINNED_MESSAGES,
    &MARK_DELIVERED,
    &MARK_READ,
    &ANNOUNCE_TYPING,
    &COUNT_GUESS,
    &ROOM_CARD,
    &CONVERSATION,
    &COUNT_MESSAGES,
    &RENEW_CONNECTED,
    &EXPIRE_CONNECTED,
    &RAISE_SEQ,
    &REVOKE,
    &CHANGE_PROFILE,
    &RECORD_ACTIVITY,
    &USE_PASSWORD,
    &NEXT_NUMBER,
    &CREATE_ACCOUNT,
    &DELETE_ACCOUNT,
    &RELEASE,
    &LEAVE_DIRECT,
    &CREATE_INVITE,
    &SETTLE,
    &TAKE_INVITE,
    &POINT,
    &CHANGE_CONVERSATION,
    &CLAIM_LOOK,
    &RELEASE_LOOK,
    &COUNT_UPLOAD,
    &CLAIM_UPLOADS,
    &FORGET_UPLOAD,
    &KEEP_PICTURE,
    &BLOCK,
    &COPY_BLOCK,
    &SENDERS,
    &ANNOUNCE_SETTINGS,
    &CREATE_APPLICATION,
    &USE_APPLICATION,
    &REVOKE_APPLICATION,
    &CREATE_HOOK,
    &REMOVE_HOOK,
    &RESERVE_HOOK_NAME,
    &NEXT_DELIVERY,
    &SETTLE_DELIVERY,
    &NOTE_DELIVERY,
    &READ_KEYS,
    &SUBSCRIBE_PUSH,
    &END_PUSH,
    &PUSH_TARGETS,
];
fn load(scripts: &[&Script]) -> Pipeline {
    let mut pipeline = Pipeline::with_capacity(scripts.len());
    for script in scripts {
        pipeline.cmd("SCRIPT").arg("LOAD").arg(&script.code).ignore();
    }
    pipeline
}

/// Whether an error means that Redis does not know the script.
pub(in crate::store) fn is_missing(error: &ServerError) -> bool {
    error.kind() == Some(ServerErrorKind::NoScript)
}

/// An argument of a script.
#[derive(Clone, Copy)]
pub(in crate::store) enum Arg<'a> {
    /// Text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A number, printed in decimal.
    Number(u64),
}

/// A script with its keys and arguments.
pub(in crate::store) struct Call<'a> {
    pub(in crate::store) script: &'a Script,
    pub(in crate::store) keys: &'a [&'a str],
    pub(in crate::store) args: &'a [Arg<'a>],
}

impl Call<'_> {
    /// The call by the script's hash.
    pub(in crate::store) fn by_hash(&self) -> Cmd {
        self.command("EVALSHA", &self.script.hash)
    }

    /// The call that carries the script itself.
    pub(in crate::store) fn by_source(&self) -> Cmd {
        self.command("EVAL", &self.script.code)
    }

    fn command(&self, verb: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(verb);
        command.arg(script).arg(self.keys.len());
        for key in self.keys {
            command.arg(*key);
        }
        for arg in self.args {
            match arg {
                Arg::Text(text) => command.arg(*text),
                Arg::Bytes(bytes) => command.arg(*bytes),
                Arg::Number(number) => command.arg(*number),
            };
        }
        command
    }
}
