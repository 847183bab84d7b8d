//! Plays the transcripts of the five API specifications (documents) against the tests' nodes and, for
//! `chinwag conformance`, against any server.
//!
//! A transcript has the ids, names and times of an empty node. On any other server, `symbols` finds out what its ids stand
//! for, `names` gives its users names of their own, and lists that all users share may have more in them.

mod accounts;
mod client;
mod memory;
mod names;
mod pattern;
mod player;
mod request;
mod samples;
mod symbols;
mod transcript;
mod transcripts;

use std::time::Duration;

pub use accounts::{Account, Given};
pub use client::Server;
pub use memory::Memory;
pub use player::{Handshake, Played, Player, Quiet, Watch};
pub use samples::{sample, zip};
pub use symbols::Unknown;
pub use transcript::Transcript;
pub use transcripts::{DOCUMENTS, of_document};

use symbols::{Entity, Symbols};

/// How long a connection must be silent to show that it received nothing else.
const SILENCE: Duration = Duration::from_millis(300);
/// Random bytes of what makes names unique, which has twice as many digits.
const ENDING_BYTES: usize = 3;

/// The server and accounts with which transcripts are played.
pub struct Stage {
    /// The server.
    pub server: Server,
    /// Accounts for the first users of each transcript. Others are registered.
    pub accounts: Vec<Given>,
    /// The room that all users are in, if it is not number 1 or `global`.
    pub room: Option<String>,
}

impl Stage {
    /// Plays one of the transcripts of a document.
    ///
    /// # Errors
    /// It cannot be played: the reason.
    pub async fn play(&self, text: &str, report: impl FnMut(Played)) -> Result<(), String> {
        let transcript = self.adapt(text)?;
        let mut accounts = Vec::new();
        for (index, name) in transcript.users().iter().enumerate() {
            accounts.push(match self.accounts.get(index) {
                Some(given) => given.sign_in(&self.server).await?,
                None => accounts::register(&self.server, name).await?,
            });
        }
        let mut symbols = Symbols::new(transcript.users().len() as u64);
        symbols.bind(Entity::Room, "1", self.room.as_deref().unwrap_or("1"));
        for (number, account) in (1..).zip(&accounts) {
            if let Some(id) = &account.id {
                symbols.bind(Entity::User, &number.to_string(), id);
            }
        }
        let memory = (Memory::of(symbols), Quiet::Within(SILENCE));
        Player::new(self.server.clone(), &transcript, accounts, memory, ()).play(&transcript, report).await;
        Ok(())
    }

    /// The transcript for this server: with other names, rooms and addresses.
    fn adapt(&self, text: &str) -> Result<Transcript, String> {
        let parse = |text: &str| Transcript::parse(text).map_err(|error| error.to_string());
        let given: Vec<String> = self.accounts.iter().map(|given| given.name().to_owned()).collect();
        let ending = &uuid::Uuid::new_v4().simple().to_string()[..2 * ENDING_BYTES];
        let text = names::rename(text, &parse(text)?, &given, ending)
            .replace("http://127.0.0.1:<digits>", "<origin>")
            .replace("http://127.0.0.1:<digits $port>", "<origin $port>")
            .replace("http://127.0.0.1:$port", "$port");
        match &self.room {
            Some(room) => parse(&text.replace("\"global\"", &serde_json::Value::from(room.as_str()).to_string())),
            None => parse(&text),
        }
    }
}
