//! Looks up who is to be notified, and sends the notifications.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tracing::debug;

use super::PushAccess;
use super::alerts::{Alert, PADDED_BYTES, Recipients};
use super::encryption::encrypt;
use super::in_flight::{InFlight, Place};
use crate::domain::{Endpoint, Result, RoomId, UserId};
use crate::metrics::{Count, Metrics};
use crate::outbound::{Answer, Failure};
use crate::service::tokens::Tokens;
use crate::store::{Store, StoredPush};

/// Messages whose recipients are looked up at once.
const LOOKED_UP_AT_ONCE: usize = 8;
/// `@all` notifies only in rooms with at most this many members.
const MAX_MEMBERS: usize = 500;
/// How long a push service keeps a notification for an offline browser.
const TTL_SECS: &str = "86400";
/// Delays between attempts to send a notification, unless the push service asks for another.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];
/// Longest delay. If a push service asks for a longer one, the notification is dropped.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// Length of a topic, the longest that RFC 8030 allows.
const TOPIC_CHARS: usize = 32;

/// Sends notifications.
#[derive(Clone)]
pub struct PushSender {
    store: Store,
    tokens: Arc<Tokens>,
    access: PushAccess,
    metrics: Arc<Metrics>,
    in_flight: InFlight,
}

/// The outcome of an attempt.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Sent,
    /// The subscription has ended.
    Gone,
    /// Another try may succeed, after this pause if the push service names one.
    Later(Option<Duration>),
    Refused,
}

impl PushSender {
    /// Creates a sender that uses this store.
    pub fn new(store: Store, tokens: Arc<Tokens>, access: PushAccess, metrics: Arc<Metrics>) -> Self {
        Self { store, tokens, access, metrics, in_flight: InFlight::default() }
    }

    /// Sends notifications as long as there are any.
    pub async fn run(self, alerts: mpsc::Receiver<Alert>) {
        let alerts =
            stream::unfold(alerts, |mut alerts| async move { alerts.recv().await.map(|alert| (alert, alerts)) });
        let sender = &self;
        let each = |alert: Alert| async move {
            if let Err(error) = sender.notify(alert).await {
                debug!(%error, "could not look up whom to notify");
            }
        };
        alerts.for_each_concurrent(LOOKED_UP_AT_ONCE, each).await;
    }

    async fn notify(&self, alert: Alert) -> Result<()> {
        let Alert { occasion, recipients, payload } = alert;
        let users = match recipients {
            Recipients::Users(users) => users,
            Recipients::Members => self.store.members_up_to(occasion.room, MAX_MEMBERS).await?,
        };
        let others: Vec<UserId> = users.into_iter().filter(|user| *user != occasion.sender).collect();
        for (user, pushes) in self.store.push_targets(&others, occasion).await {
            let (good, ended): (Vec<_>, Vec<_>) =
                pushes.into_iter().partition(|push| self.tokens.are_in_force(user, push.terms));
            self.forget(user, &ended).await;
            for push in good {
                match self.in_flight.enter(user) {
                    Some(place) => self.start(user, push, &payload, occasion.room, place),
                    None => self.metrics.count(Count::PushesDropped),
                }
            }
        }
        Ok(())
    }

    /// Sends a notification in a task of its own, because a push service may take its time.
    fn start(&self, user: UserId, push: StoredPush, payload: &str, room: RoomId, place: Place) {
        let (sender, payload) = (self.clone(), payload.to_owned());
        drop(tokio::spawn(async move {
            sender.deliver(user, push, &payload, room).await;
            drop(place);
        }));
    }

    async fn deliver(&self, user: UserId, push: StoredPush, payload: &str, room: RoomId) {
        match self.send(&push, payload, room).await {
            Ok(Outcome::Sent) => self.metrics.count(Count::PushesSent),
            Ok(Outcome::Gone) => self.forget(user, &[push]).await,
            Ok(Outcome::Later(_) | Outcome::Refused) => self.metrics.count(Count::PushesFailed),
            Err(error) => {
                self.metrics.count(Count::PushesFailed);
                debug!(user.id = %user, %error, "could not send a notification");
            }
        }
    }

    async fn forget(&self, user: UserId, pushes: &[StoredPush]) {
        if pushes.is_empty() {
            return;
        }
        let endpoints: Vec<&str> = pushes.iter().map(|push| push.subscription.endpoint.as_str()).collect();
        if let Err(error) = self.store.unsubscribe_push(user, &endpoints).await {
            debug!(user.id = %user, %error, "could not forget subscriptions that have ended; the next notification will");
        }
    }

    /// Sends a notification, with further attempts where that may help.
    async fn send(&self, push: &StoredPush, payload: &str, room: RoomId) -> Result<Outcome> {
        let Ok(endpoint) = push.subscription.endpoint.parse::<Endpoint>() else { return Ok(Outcome::Gone) };
        let body = Bytes::from(encrypt(&push.subscription, payload.as_bytes(), PADDED_BYTES)?);
        let topic = topic(&push.subscription.auth, room);
        let mut outcome = self.try_once(&endpoint, &topic, body.clone()).await?;
        for pause in PAUSES {
            let Outcome::Later(wanted) = outcome else { break };
            let pause = wanted.unwrap_or(pause);
            if pause > MAX_PAUSE {
                break;
            }
            tokio::time::sleep(pause).await;
            outcome = self.try_once(&endpoint, &topic, body.clone()).await?;
        }
        Ok(outcome)
    }

    async fn try_once(&self, endpoint: &Endpoint, topic: &str, body: Bytes) -> Result<Outcome> {
        let authorization = self.access.vapid.authorization(&endpoint.origin(), self.store.now_ms() / 1000)?;
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-encoding", "aes128gcm"),
            ("content-type", "application/octet-stream"),
            ("ttl", TTL_SECS),
            ("urgency", "high"),
            ("topic", topic),
        ];
        let answer = self.access.outbound.post(endpoint, &headers, body).await;
        let outcome = outcome_of(&answer);
        if outcome != Outcome::Sent {
            let status = answer.as_ref().map_or(0, |answer| answer.status);
            let error = answer.err().map(|failure| failure.to_string()).unwrap_or_default();
            debug!(host = endpoint.host(), status, error, "a push service did not accept a notification");
        }
        Ok(outcome)
    }
}

fn outcome_of(answer: &Result<Answer, Failure>) -> Outcome {
    match answer {
        Ok(Answer { status: 200..=299, .. }) => Outcome::Sent,
        Ok(Answer { status: 404 | 410, .. }) | Err(Failure::Closed) => Outcome::Gone,
        Ok(Answer { status: 429 | 500..=599, retry_after, .. }) => Outcome::Later(*retry_after),
        Ok(_) => Outcome::Refused,
        Err(Failure::Timeout | Failure::Unreachable(_)) => Outcome::Later(None),
    }
}

/// A newer notification of a room replaces an older one that still waits at the push service. The topic reveals neither
/// the room, nor that two users are in the same room.
fn topic(secret: &[u8], room: RoomId) -> String {
    let digest = Sha256::new().chain_update(secret).chain_update(room.number().to_be_bytes()).finalize();
    URL_SAFE_NO_PAD.encode(digest).chars().take(TOPIC_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_succeed_is_tried_again() {
        let answer = |status| Ok(Answer { status, retry_after: None, body: Bytes::new() });
        let outcome = |status| outcome_of(&answer(status));
        assert_eq!([200, 201, 202].map(outcome), [const { Outcome::Sent }; 3]);
        assert_eq!([404, 410].map(outcome), [const { Outcome::Gone }; 2]);
        assert_eq!([429, 500, 503].map(outcome), [const { Outcome::Later(None) }; 3]);
        assert_eq!([301, 400, 401, 403, 413].map(outcome), [const { Outcome::Refused }; 5]);
        assert_eq!(outcome_of(&Err(Failure::Closed)), Outcome::Gone);
        assert_eq!(outcome_of(&Err(Failure::Timeout)), Outcome::Later(None));
    }

    #[test]
    fn each_room_of_a_subscription_has_a_topic() {
        let room = |number| RoomId::new(number).expect("a number");
        let topics = [topic(b"a", room(1)), topic(b"a", room(2)), topic(b"b", room(1))];
        assert!(topics.iter().all(|topic| topic.len() == TOPIC_CHARS));
        assert!(topics[0] != topics[1] && topics[0] != topics[2]);
        assert_eq!(topic(b"a", room(1)), topics[0]);
    }
}
