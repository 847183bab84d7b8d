//! Sentinel: finds the primary, and detects failovers before they happen.
//!
//! A planned failover promotes a replica about a second before `+switch-master` tells everyone, and the old primary
//! acknowledges writes until then, which are lost. So nodes leave it at the first sign of a failover, and write again
//! once the sentinels name a primary that is not about to be replaced.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, Pipeline, RedisError, RedisResult, Value};

use super::reply;
use super::unusable::{connect_error, unusable};
use crate::domain::{Error, Result};

/// Time for the answer of one sentinel.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(250);

/// Host and port of a server.
pub(super) type Place = (String, u16);

/// The sentinels of the settings.
#[derive(Debug)]
pub(super) struct Sentinels {
    /// Name of the primary; if the settings have none, unset until a sentinel has named it.
    name: OnceLock<String>,
}

/// What one sentinel says of the primary.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    /// Number of the configuration; each failover raises it.
    epoch: u64,
    /// Where clients should connect.
    primary: Place,
    /// Whether the sentinels are about to replace that primary.
    is_ending: bool,
}

impl Sentinels {
    /// Takes the name of the primary; empty when the sentinels know only one.
    pub(super) fn new(name: &str) -> Self {
        match name {
            "" => Self { name: OnceLock::new() },
            name => Self { name: OnceLock::from(name.to_owned()) },
        }
    }

    /// The name of the primary, once it is known.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.get().map(String::as_str)
    }

    /// Asks all sentinels at once where the primary is, and whether it is being replaced.
    ///
    /// # Errors
    /// `Unavailable` when no sentinel answers; `Unusable` when they know no such primary.
    pub(super) async fn find(&self, sentinels: Vec<ConnectionInfo>) -> Result<Sign> {
        let asked = join_all(sentinels.into_iter().map(|sentinel| self.ask(sentinel))).await;
        let (mut answers, mut failure) = (Vec::new(), None);
        for outcome in asked {
            match outcome {
                Ok(answer) => answers.push(answer),
                Err(error) => failure = Some(error),
            }
        }
        if answers.is_empty() {
            return Err(failure.unwrap_or_else(|| unusable("redis.url names no sentinel")));
        }
        choose(&answers)
    }

    async fn ask(&self, sentinel: ConnectionInfo) -> Result<Answer> {
        let address = sentinel.addr().to_string();
        let asking = async {
            let config = AsyncConnectionConfig::new().set_response_timeout(Some(ANSWER_TIMEOUT));
            let opened = Client::open(sentinel)?.get_multiplexed_async_connection_with_config(&config).await;
            let mut connection = opened?;
            let name = match self.name() {
                Some(name) => name.to_owned(),
                None => match only_name(&mut connection).await? {
                    Ok(name) => self.name.get_or_init(|| name).clone(),
                    Err(names) => return Ok(Err(names)),
                },
            };
            let mut pipeline = Pipeline::with_capacity(2);
            pipeline.cmd("SENTINEL").arg("MASTER").arg(&name);
            pipeline.cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(&name);
            let replies = connection.send_packed_commands(&pipeline, 0, 2).await?;
            Ok(Ok((name, replies)))
        };
        let outcome: RedisResult<Result<_, _>> = match tokio::time::timeout(ANSWER_TIMEOUT, asking).await {
            Ok(outcome) => outcome,
            Err(_) => return Err(Error::Unavailable(format!("the sentinel at {address} does not answer").into())),
        };
        match outcome.map_err(|error| refusal(&error, &address))? {
            Ok((name, replies)) => Answer::read(replies, &address)?
                .ok_or_else(|| unusable(format!("the sentinel at {address} knows no primary called {name}"))),
            Err(names) => Err(unusable(format!(
                "the sentinel at {address} knows {}; redis.sentinel_master must name one of them",
                if names.is_empty() { "no primary".to_owned() } else { names.join(", ") }
            ))),
        }
    }
}

/// The name of the only primary that a sentinel knows, or all the names.
async fn only_name(connection: &mut MultiplexedConnection) -> RedisResult<std::result::Result<String, Vec<String>>> {
    let known: Vec<HashMap<String, String>> = redis::cmd("SENTINEL").arg("MASTERS").query_async(connection).await?;
    let mut names: Vec<String> = known.into_iter().filter_map(|mut primary| primary.remove("name")).collect();
    Ok(match names.len() {
        1 => Ok(names.remove(0)),
        _ => Err(names),
    })
}

/// The error of a sentinel, or of something else at its address.
fn refusal(error: &RedisError, address: &str) -> Error {
    match error.detail() {
        Some(reason) if reason.contains("unknown command") => {
            unusable(format!("the server at {address} is no sentinel"))
        }
        Some(_) | None => connect_error(error, address),
    }
}

impl Answer {
    /// Reads the replies of `SENTINEL MASTER` and `SENTINEL GET-MASTER-ADDR-BY-NAME`. `None` when there is no such
    /// primary.
    fn read(replies: Vec<Value>, address: &str) -> Result<Option<Self>> {
        let mut replies = replies.into_iter();
        let known = match replies.next().unwrap_or_default() {
            Value::ServerError(error) if error.details().is_some_and(|reason| reason.contains("No such master")) => {
                return Ok(None);
            }
            Value::ServerError(error) => return Err(refusal(&error.into(), address)),
            known => known,
        };
        let known: HashMap<String, String> = reply::read(known)?;
        let Some(primary) = reply::read::<Option<Place>>(replies.next().unwrap_or_default())? else { return Ok(None) };
        let field = |name: &str| known.get(name).map(String::as_str).unwrap_or_default();
        let flags = || field("flags").split(',');
        // During a failover the leader names the promoted replica as soon as it is one.
        let is_replaced = (field("ip"), field("port")) != (primary.0.as_str(), primary.1.to_string().as_str());
        let is_ending = !is_replaced && flags().any(|flag| ["failover_in_progress", "o_down"].contains(&flag));
        Ok(Some(Self { epoch: field("config-epoch").parse().unwrap_or(0), primary, is_ending }))
    }
}

/// The primary of the newest configuration.
fn choose(answers: &[Answer]) -> Result<Sign> {
    let newest = answers.iter().map(|answer| answer.epoch).max();
    let newest = answers.iter().filter(|answer| Some(answer.epoch) == newest);
    let is_ending = newest.clone().find(|answer| answer.is_ending);
    let sign = match is_ending {
        Some(answer) => Some(Sign::Ending(answer.primary.clone())),
        None => newest.clone().next().map(|answer| Sign::Switched(answer.primary.clone())),
    };
    sign.ok_or_else(|| unusable("no sentinel answered"))
}

/// What sentinels publish, or answer, about the primary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// This primary will be replaced.
    Ending(Place),
    /// This is the primary.
    Switched(Place),
}

/// The channels of sentinels that show a failover, in the order in which it happens.
pub(super) const SIGNS: [&str; 5] = ["+odown", "+try-failover", "+selected-slave", "+promoted-slave", "+switch-master"];

/// Reads what a sentinel publishes. `None` for other primaries.
pub(super) fn sign(channel: &str, payload: &str, name: &str) -> Option<Sign> {
    let words: Vec<&str> = payload.split(' ').collect();
    let place = |host: &str, port: &str| Some((host.to_owned(), port.parse().ok()?));
    match (channel, words.as_slice()) {
        ("+switch-master", [of, _, _, host, port]) if *of == name => Some(Sign::Switched(place(host, port)?)),
        // Of the primary itself, or of a replica `@` its primary.
        (_, ["master", of, host, port, ..] | [_, _, _, _, "@", of, host, port]) if *of == name => {
            Some(Sign::Ending(place(host, port)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(epoch: u64, port: u16, is_ending: bool) -> Answer {
        Answer { epoch, primary: ("10.0.0.1".to_owned(), port), is_ending }
    }

    #[test]
    fn the_newest_configuration_names_the_primary() {
        let answers = [answer(3, 1, false), answer(4, 2, false), answer(3, 1, true)];
        let place = |port| ("10.0.0.1".to_owned(), port);
        assert_eq!(choose(&answers).ok(), Some(Sign::Switched(place(2))));
        let begun = choose(&[answer(3, 1, false), answer(3, 1, true)]);
        assert_eq!(begun.ok(), Some(Sign::Ending(place(1))), "one of them begins a failover");
    }

    #[test]
    fn signs_of_a_failover_name_the_primary() {
        let old = ("10.0.0.1".to_owned(), 6379);
        let ending = Some(Sign::Ending(old.clone()));
        assert_eq!(sign("+try-failover", "master chat 10.0.0.1 6379", "chat"), ending);
        assert_eq!(sign("+odown", "master chat 10.0.0.1 6379 #quorum 2/2", "chat"), ending);
        let replica = "slave 10.0.0.2:6379 10.0.0.2 6379 @ chat 10.0.0.1 6379";
        assert_eq!(sign("+selected-slave", replica, "chat"), ending);
        assert_eq!(sign("+selected-slave", replica, "other"), None);
        let switched = Some(Sign::Switched(("10.0.0.2".to_owned(), 6380)));
        assert_eq!(sign("+switch-master", "chat 10.0.0.1 6379 10.0.0.2 6380", "chat"), switched);
    }
}
