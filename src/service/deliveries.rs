//! Sends messages to outgoing webhooks: each at least once, and in order within a room.
//!
//! For each webhook and room, one node delivers one message after the other. A consumer group of the room's stream
//! stores which node that is, and its position (`next_delivery.lua`). A node reads it when a message was stored through
//! it, and every few seconds looks for messages that failed nodes have left.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use jsonwebtoken::{Algorithm, EncodingKey};
use secrecy::ExposeSecret;
use tokio::task::JoinSet;
use tracing::{debug, warn};

use super::hooked_rooms::{HookedRooms, KnownHook};
use crate::domain::{EntryId, Error, HookId, Message, OutgoingHook, Result, RoomId, hex};
use crate::metrics::{Count, Metrics};
use crate::outbound::{Failure, Outbound};
use crate::store::{DeliveryTimes, Due, Store};

/// Interval at which a node looks for new webhooks, and for messages that other nodes have left.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// A sweep checks rooms that were active within this time: nodes record the activity of a room once a minute.
const ACTIVE_WITHIN_MS: u64 = 90 * 1000;
/// Every so many sweeps, starting with the first, all rooms that were active within a day are checked.
const LONG_SWEEP: u64 = 120;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Maximum number of rooms that a sweep checks.
const MAX_SWEPT: usize = 10_000;
/// A message is dropped when an attempt fails this long after it was sent.
const GIVEN_UP_AFTER_MS: u64 = DAY_MS;
const FIRST_PAUSE_MS: u64 = 1000;
const LONGEST_PAUSE_MS: u64 = 15 * 60 * 1000;
/// Longest `Retry-After` that is honoured.
const LONGEST_ASKED: Duration = Duration::from_hours(1);
/// How much longer a lease lasts than the longest request.
const LEASE_MARGIN_MS: u64 = 2000;
/// Pause after Redis did not answer.
const UNAVAILABLE_PAUSE: Duration = Duration::from_secs(1);

/// Prints a message for the body of a request.
pub type PrintDelivery = Arc<dyn Fn(&OutgoingHook, &Message) -> Bytes + Send + Sync>;

/// A webhook in a room.
type Lane = (HookId, RoomId);

/// Delivers messages to webhooks.
pub struct Deliveries {
    store: Store,
    outbound: Outbound,
    hooked: Arc<HookedRooms>,
    metrics: Arc<Metrics>,
    print: PrintDelivery,
    times: DeliveryTimes,
    /// The lanes that a task of this node is delivering, and whether a message was stored meanwhile.
    busy: Mutex<HashMap<Lane, bool>>,
}

/// What a task does next.
enum Step {
    /// Acknowledge a message, and ask for the next one.
    Go(Option<EntryId>),
    Wait(Duration),
    End,
}

impl Deliveries {
    /// Sends requests that take no longer than `longest_request`.
    pub fn new(
        store: Store,
        (outbound, longest_request): (Outbound, Duration),
        hooked: Arc<HookedRooms>,
        metrics: Arc<Metrics>,
        print: PrintDelivery,
    ) -> Self {
        let lease_ms = u64::try_from(longest_request.as_millis()).unwrap_or(u64::MAX) + LEASE_MARGIN_MS;
        let times = DeliveryTimes { lease_ms, first_pause_ms: FIRST_PAUSE_MS, longest_pause_ms: LONGEST_PAUSE_MS };
        Self { store, outbound, hooked, metrics, print, times, busy: Mutex::default() }
    }

    /// Delivers for as long as the node runs.
    pub async fn run(self) {
        let this = Arc::new(self);
        let mut tasks = JoinSet::new();
        let mut sweeping = tokio::time::interval(SWEEP_EVERY);
        let mut sweeps = 0;
        loop {
            let swept = tokio::select! {
                () = this.hooked.changed() => Vec::new(),
                _ = sweeping.tick() => {
                    sweeps += 1;
                    this.sweep(sweeps % LONG_SWEEP == 1).await
                }
                Some(_) = tasks.join_next() => continue,
            };
            for room in this.hooked.take_touched().into_iter().chain(swept) {
                this.look_at(room, &mut tasks);
            }
        }
    }

    /// Reads the webhooks, and returns rooms in which they may have something to deliver.
    async fn sweep(&self, is_long: bool) -> Vec<RoomId> {
        let sweeping = async {
            self.hooked.set(self.store.outgoing_hooks().await?);
            let mut rooms = self.hooked.rooms();
            if self.hooked.has_general() {
                let within_ms = if is_long { DAY_MS } else { ACTIVE_WITHIN_MS };
                let since_ms = self.store.now_ms().saturating_sub(within_ms);
                rooms.extend(self.store.rooms_active_since(since_ms, MAX_SWEPT).await?);
            }
            Ok::<_, Error>(rooms)
        };
        sweeping.await.unwrap_or_else(|error| {
            debug!(%error, "could not look for webhooks, trying again");
            Vec::new()
        })
    }

    /// Starts a task for each webhook of a room that has none.
    fn look_at(self: &Arc<Self>, room: RoomId, tasks: &mut JoinSet<()>) {
        for known in self.hooked.of_room(room) {
            let lane = (known.hook.id.clone(), room);
            let mut busy = self.busy.lock().expect("no panic while held");
            match busy.get_mut(&lane) {
                // The task that is there looks once more before it ends.
                Some(is_touched) => *is_touched = true,
                None => {
                    busy.insert(lane, false);
                    tasks.spawn(Arc::clone(self).deliver(known, room));
                }
            }
        }
    }

    /// Delivers until there is nothing more.
    async fn deliver(self: Arc<Self>, known: Arc<KnownHook>, room: RoomId) {
        let lane = (known.hook.id.clone(), room);
        let mut delivered = None;
        while self.hooked.has(&known.hook.id) {
            match self.step(&known, room, delivered).await {
                Step::Go(entry) => delivered = entry,
                Step::Wait(pause) => tokio::time::sleep(pause).await,
                Step::End if self.may_end(&lane) => return,
                Step::End => {}
            }
        }
        self.busy.lock().expect("no panic while held").remove(&lane);
    }

    /// Whether nothing was stored since the task last looked. If so, the lane is removed from the busy ones atomically.
    fn may_end(&self, lane: &Lane) -> bool {
        let mut busy = self.busy.lock().expect("no panic while held");
        let is_touched = busy.get_mut(lane).is_some_and(std::mem::take);
        if !is_touched {
            busy.remove(lane);
        }
        !is_touched
    }

    async fn step(&self, known: &KnownHook, room: RoomId, delivered: Option<EntryId>) -> Step {
        // Before the lease begins.
        let Ok(_turn) = known.requests.acquire().await else { return Step::End };
        match self.store.next_delivery(&known.hook, room, delivered, self.times).await {
            Ok(Due::Nothing) => Step::End,
            Ok(Due::More) => Step::Go(None),
            Ok(Due::Busy(ms)) => Step::Wait(Duration::from_millis(ms + fastrand::u64(..FIRST_PAUSE_MS))),
            Ok(Due::Message(entry, None, _)) => Step::Go(Some(entry)),
            Ok(Due::Message(entry, Some(message), attempt)) => {
                self.attempt(&known.hook, entry, &message, attempt).await
            }
            Err(error) => {
                debug!(hook.id = %known.hook.id, room.id = %room, %error, "could not read the next webhook delivery, trying again");
                Step::Wait(UNAVAILABLE_PAUSE)
            }
        }
    }

    async fn attempt(&self, hook: &OutgoingHook, entry: EntryId, message: &Message, attempt: u64) -> Step {
        let (error, asked) = match self.send(hook, message).await {
            Ok(()) => {
                self.metrics.count(Count::HookDeliveries);
                self.note(self.store.note_hook_delivers(&hook.id).await);
                return Step::Go(Some(entry));
            }
            Err(failed) => failed,
        };
        self.metrics.count(Count::HookFailures);
        let is_given_up = self.store.now_ms().saturating_sub(entry.at_ms) > GIVEN_UP_AFTER_MS;
        self.note(self.store.note_hook_fails(&hook.id, &error, is_given_up).await);
        if is_given_up {
            warn!(hook.id = %hook.id, message.id = %message.id.to_integer(), error, "a webhook has failed for a day: a message is dropped");
            return Step::Go(Some(entry));
        }
        Step::Wait(pause(attempt).max(asked.unwrap_or_default().min(LONGEST_ASKED)))
    }

    fn note(&self, outcome: Result<()>) {
        if let Err(error) = outcome {
            debug!(%error, "could not record the state of a webhook");
        }
    }

    /// Sends a message. Returns why that failed, and the pause that the receiver asks for.
    async fn send(
        &self,
        hook: &OutgoingHook,
        message: &Message,
    ) -> std::result::Result<(), (String, Option<Duration>)> {
        let body = (self.print)(hook, message);
        let signature =
            signature(hook, self.store.now_ms() / 1000, &body).map_err(|error| (error.to_string(), None))?;
        let (id, hook_id) = (message.id.to_integer().to_string(), hook.id.to_string());
        let headers = [
            ("Content-Type", "application/json"),
            ("X-Chinwag-Hook", &*hook_id),
            ("X-Chinwag-Delivery", &*id),
            ("X-Chinwag-Signature", &*signature),
        ];
        match self.outbound.post(&hook.url, &headers, body).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
            Ok(answer) => Err((format!("status {}", answer.status), answer.retry_after)),
            Err(failure @ (Failure::Closed | Failure::Timeout | Failure::Unreachable(_))) => {
                Err((failure.to_string(), None))
            }
        }
    }
}

/// The delay after a failed attempt: exponential backoff from a second, with jitter.
fn pause(attempt: u64) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
    let longest_ms = FIRST_PAUSE_MS.saturating_mul(2_u64.saturating_pow(doublings)).min(LONGEST_PAUSE_MS);
    Duration::from_millis(fastrand::u64(longest_ms / 2..=longest_ms))
}

/// The signature of a request: HMAC-SHA256 of the time, a dot and the body.
fn signature(hook: &OutgoingHook, at_secs: u64, body: &[u8]) -> Result<String> {
    let key = EncodingKey::from_secret(hook.secret.expose_secret().as_bytes()).map_err(Error::internal)?;
    let signed = [format!("{at_secs}.").as_bytes(), body].concat();
    let code = jsonwebtoken::crypto::sign(&signed, &key, Algorithm::HS256).map_err(Error::internal)?;
    let code = BASE64_URL_SAFE_NO_PAD.decode(code).map_err(Error::internal)?;
    Ok(format!("t={at_secs},v1={}", hex(&code)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{HookOrigin, UserId};

    #[test]
    fn pauses_double_up_to_a_bound() {
        for (attempt, longest_ms) in
            [(1, 1000), (2, 2000), (5, 16_000), (11, 900_000), (100, 900_000), (u64::MAX, 900_000)]
        {
            let pause_ms = pause(attempt).as_millis();
            assert!((longest_ms / 2..=longest_ms).contains(&pause_ms), "{attempt}: {pause_ms}");
        }
    }

    /// Computed with OpenSSL.
    #[test]
    fn signatures_are_those_that_others_compute() {
        let hook = OutgoingHook {
            id: HookId::new().expect("drawn"),
            room: None,
            url: "https://example.org/".parse().expect("an address"),
            secret: "whsec_test".into(),
            origin: HookOrigin { made_by: UserId(1), made_at_ms: 1 },
        };
        let expected = "t=1761480000,v1=38fc623b798e879cbb0f5a7ebba7a0c93d069603d7afc92486b17eabdb97c8ac";
        assert_eq!(signature(&hook, 1_761_480_000, br#"{"a":1}"#).expect("signed"), expected);
    }
}
