//! The latest logins of each user, and tokens that ended alone.

use redis::Pipeline;

use super::redis::reply::{self, array, next};
use super::{Store, UserEvent};
use crate::domain::{Account, Client, Result, TokenId, UserId};

/// Maximum number of logins that are kept per user.
const MAX_KEPT: usize = 100;
/// How long a login is kept.
const KEPT_FOR_SECS: u64 = 30 * 24 * 60 * 60;

/// A login that is about to be recorded.
pub struct NewLogIn<'a> {
    /// The account.
    pub account: &'a Account,
    /// The token that the login gives.
    pub token: TokenId,
    /// The generation of the token.
    pub generation: u64,
    /// Where the user logs in from.
    pub client: &'a Client,
}

/// A login as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogIn {
    /// The token that the login gave.
    pub token: TokenId,
    /// The epoch of the token.
    pub epoch: u64,
    /// The generation of the token.
    pub generation: u64,
    /// Time of the login, UTC milliseconds.
    pub at_ms: u64,
    /// The client's address.
    pub ip: String,
    /// The client's user agent.
    pub user_agent: String,
}

impl LogIn {
    /// Reads an entry: token, epoch, generation, address, user agent.
    fn parse(at_ms: u64, text: &str) -> Option<Self> {
        // The user agent is last because it may contain spaces.
        let mut words = text.splitn(5, ' ');
        Some(Self {
            token: words.next()?.parse().ok()?,
            epoch: words.next()?.parse().ok()?,
            generation: words.next()?.parse().ok()?,
            at_ms,
            ip: words.next()?.to_owned(),
            user_agent: words.next()?.to_owned(),
        })
    }
}

impl Store {
    /// Records a login.
    pub async fn record_login(&self, login: &NewLogIn<'_>) -> Result<()> {
        let NewLogIn { account, token, generation, client } = login;
        let key = self.keys.logins(account.id);
        let entry = format!("{token} {} {generation} {} {}", account.token_epoch, client.ip, client.user_agent);
        let mut pipeline = Pipeline::with_capacity(4);
        self.note_login(&mut pipeline, account.id);
        pipeline.cmd("XADD").arg(&key).arg("MAXLEN").arg(MAX_KEPT).arg("*").arg("l").arg(entry);
        pipeline.cmd("EXPIRE").arg(&key).arg(KEPT_FOR_SECS);
        self.connection.run(&pipeline).await?;
        self.ensure_global_membership(account.id, &account.name).await
    }

    /// The logins of a user that are kept, newest first.
    pub async fn logins(&self, user: UserId) -> Result<Vec<LogIn>> {
        let since_ms = self.now_ms().saturating_sub(KEPT_FOR_SECS * 1000);
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("XREVRANGE").arg(self.keys.logins(user)).arg("+").arg(since_ms);
        let entries = array(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        let mut logins = Vec::with_capacity(entries.len());
        for entry in entries {
            let (id, fields): (String, Vec<String>) = reply::read(entry)?;
            let at_ms = id.split('-').next().and_then(|ms| ms.parse().ok()).unwrap_or(0);
            logins.extend(fields.get(1).and_then(|text| LogIn::parse(at_ms, text)));
        }
        Ok(logins)
    }

    /// Ends a token on all nodes.
    pub async fn end_token(&self, user: UserId, token: TokenId) -> Result<()> {
        let at_ms = self.now_ms();
        let event = UserEvent::Ended { user, at_ms, token };
        self.announce_change(&self.keys.ended(), &token.to_string(), at_ms, &event).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_in_is_read_with_any_user_agent() {
        let login = LogIn::parse(7, "00000000000000ff 5 0 2001:db8::1 Mozilla/5.0 (X11; Linux)").expect("reads");
        assert_eq!((login.token, login.epoch, login.at_ms), (TokenId(255), 5, 7));
        assert_eq!((login.ip.as_str(), login.user_agent.as_str()), ("2001:db8::1", "Mozilla/5.0 (X11; Linux)"));
        assert!(LogIn::parse(7, "ff 5 0 192.0.2.1 ").is_some_and(|login| login.user_agent.is_empty()));
        assert_eq!(LogIn::parse(7, "ff 5 0"), None);
    }
}
