//! Password attempts, counted by account and address: after some wrong ones, each must wait twice as long as the one
//! before.

use std::net::IpAddr;

use redis::{Pipeline, Value};
use sha2::{Digest, Sha256};

use super::Store;
use super::redis::reply;
use super::redis::scripts::{self, Arg, Call};
use crate::domain::{Result, hex};

/// How many passwords an address may try for an account.
#[derive(Clone, Copy, Debug)]
pub struct GuessLimit {
    /// Attempts that need no waiting.
    pub free: u64,
    /// Time after which attempts are forgotten, and the longest wait, milliseconds.
    pub window_ms: u64,
}

impl Store {
    /// Counts a password attempt as wrong. `account` stands for an account, or for the text that names none.
    ///
    /// # Errors
    /// `RateLimited` when the address must wait; `Unavailable`.
    pub async fn count_guess(&self, account: &str, address: IpAddr, limit: GuessLimit) -> Result<()> {
        let call = Call {
            script: &scripts::COUNT_GUESS,
            keys: &[&self.guesses_key(account, address)],
            args: &[Arg::Number(limit.free), Arg::Number(limit.window_ms)],
        };
        match self.connection.run_script(&call, &[]).await? {
            (Value::Int(0), _) => Ok(()),
            (Value::Int(wait_ms), _) => Err(reply::limited(wait_ms)),
            (other, _) => Err(reply::unexpected(&other)),
        }
    }

    /// Removes the attempts of an address, because the last one was right.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn forget_guesses(&self, account: &str, address: IpAddr) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("DEL").arg(self.guesses_key(account, address));
        self.connection.run(&pipeline).await.map(drop)
    }

    /// The key's name is a digest: clients choose the account's name, of any length.
    fn guesses_key(&self, account: &str, address: IpAddr) -> String {
        let digest = Sha256::digest(format!("{address}\0{account}"));
        self.keys.guesses(&hex(&digest[..16]))
    }
}
