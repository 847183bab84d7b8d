//! Subscriptions to notifications, and the key with which they are sent. A user's subscriptions are a hash in the slot of the
//! user, by a digest of their addresses.

use futures_util::future::join_all;
use redis::{Pipeline, Value};
use sha2::{Digest, Sha256};

use super::redis::reply::{self, next};
use super::redis::scripts::{self, Arg, Call};
use super::{NODE_FOCUS_SECS, Store};
use crate::domain::{PushSubscription, Result, RoomId, TokenId, TokenTerms, UserId, hex};

/// Maximum number of subscriptions of a user. One more replaces the oldest.
const MAX_KEPT: u64 = 10;

/// A subscription as kept.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredPush {
    /// Where to send.
    pub subscription: PushSubscription,
    /// When it expires: together with the token with which it was created.
    pub terms: TokenTerms,
}

impl StoredPush {
    fn encode(&self, at_ms: u64) -> String {
        let TokenTerms { token, epoch, generation, expires_at_secs } = self.terms;
        let (key, auth) = self.subscription.texts();
        let endpoint = &self.subscription.endpoint;
        format!("{at_ms} {token} {epoch} {generation} {expires_at_secs} {key} {auth} {endpoint}")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ').skip(1);
        let terms = TokenTerms {
            token: words.next()?.parse().ok()?,
            epoch: words.next()?.parse().ok()?,
            generation: words.next()?.parse().ok()?,
            expires_at_secs: words.next()?.parse().ok()?,
        };
        let (key, auth) = (words.next()?, words.next()?);
        Some(Self { subscription: PushSubscription::parse(words.next()?, key, auth).ok()?, terms })
    }
}

/// A message of which users may be notified.
#[derive(Clone, Copy, Debug)]
pub struct PushOccasion {
    /// Its room.
    pub room: RoomId,
    /// Its sender.
    pub sender: UserId,
    /// Whether it mentions the users.
    pub is_mention: bool,
}

impl Store {
    /// The private key with which this server sends notifications: the kept one, or `new`, which is kept from now on. Waits
    /// for no replicas, so that nodes start while these are away.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn push_key(&self, new: &str) -> Result<String> {
        let key = self.keys.push_key();
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("SET").arg(&key).arg(new).arg("NX");
        pipeline.cmd("GET").arg(&key);
        reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter().skip(1))?)
    }

    /// Keeps a subscription of a user, in place of one with the same address, or of the oldest of too many.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn subscribe_push(&self, user: UserId, push: &StoredPush) -> Result<()> {
        let call = Call {
            script: &scripts::SUBSCRIBE_PUSH,
            keys: &[&self.keys.push(user)],
            args: &[
                Arg::Text(&field(&push.subscription.endpoint)),
                Arg::Text(&push.encode(self.now_ms())),
                Arg::Number(MAX_KEPT),
                Arg::Number(self.token_ttl_secs),
            ],
        };
        self.writer.run_script(&call, &[]).await.map(drop)
    }

    /// Removes the subscriptions of a user with these addresses.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn unsubscribe_push(&self, user: UserId, endpoints: &[&str]) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(1);
        let fields: Vec<String> = endpoints.iter().map(|endpoint| field(endpoint)).collect();
        pipeline.cmd("HDEL").arg(self.keys.push(user)).arg(fields);
        self.writer.run(&pipeline).await.map(drop)
    }

    /// Removes the subscriptions that were created with a token.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn end_push(&self, user: UserId, token: TokenId) -> Result<()> {
        let call = Call {
            script: &scripts::END_PUSH,
            keys: &[&self.keys.push(user)],
            args: &[Arg::Text(&format!(" {token} "))],
        };
        self.writer.run_script(&call, &[]).await.map(drop)
    }

    /// Where these users are to be notified of a message. Left out are users who do not want it, who block its sender, or
    /// of whom a window has the focus, and those whose data cannot be read now. One round trip.
    pub async fn push_targets(&self, users: &[UserId], occasion: PushOccasion) -> Vec<(UserId, Vec<StoredPush>)> {
        let targets = join_all(users.iter().map(|user| self.targets_of(*user, occasion))).await;
        let read = users.iter().zip(targets).filter_map(|(user, targets)| match targets {
            Ok(targets) => (!targets.is_empty()).then_some((*user, targets)),
            Err(error) => {
                tracing::debug!(user.id = %user, %error, "a user is not notified");
                None
            }
        });
        read.collect()
    }

    async fn targets_of(&self, user: UserId, occasion: PushOccasion) -> Result<Vec<StoredPush>> {
        let keys = [
            self.keys.push(user),
            self.keys.focused(user),
            self.keys.conversation_settings(user),
            self.keys.blocks(user),
        ];
        let call = Call {
            script: &scripts::PUSH_TARGETS,
            keys: &keys.each_ref().map(String::as_str),
            args: &[
                Arg::Number(occasion.room.number().into()),
                Arg::Number(occasion.sender.0),
                Arg::Number(occasion.is_mention.into()),
                Arg::Number(self.now_ms().saturating_sub(NODE_FOCUS_SECS * 1000)),
            ],
        };
        let (reply, _) = self.connection.run_script(&call, &[]).await?;
        read_targets(reply)
    }

    /// The first members of a room; none if it has more than so many.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn members_up_to(&self, room: RoomId, most: usize) -> Result<Vec<UserId>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZRANGE").arg(self.keys.room(room).members).arg(0).arg(most);
        let members: Vec<u64> = reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        Ok(if members.len() > most { Vec::new() } else { members.into_iter().map(UserId).collect() })
    }
}

fn read_targets(reply: Value) -> Result<Vec<StoredPush>> {
    let pairs: Vec<String> = reply::read(reply)?;
    Ok(pairs.chunks(2).filter_map(|pair| StoredPush::parse(pair.get(1)?)).collect())
}

fn field(endpoint: &str) -> String {
    hex(&Sha256::digest(endpoint)[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriptions_round_trip() {
        let key = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
        let subscription =
            PushSubscription::parse("https://push.example/1?a=b", key, "BTBZMqHH6r4Tts7J_aSIgg").expect("valid");
        let terms = TokenTerms { token: TokenId(255), epoch: 5, generation: 1, expires_at_secs: 1_700_000_000 };
        let stored = StoredPush { subscription, terms };
        let text = stored.encode(7);
        assert!(text.starts_with("7 00000000000000ff 5 1 1700000000 B"));
        assert!(StoredPush::parse(&text).is_some_and(|read| read == stored));
        assert!(StoredPush::parse("7 ff 5 1").is_none());
    }
}
