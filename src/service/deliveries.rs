//! Sends messages to outgoing webhooks: each at least once, and in order within a room.
//!
//! For each webhook and room, one node delivers one message after the other. A consumer group of the room's stream
//! stores which node that is, and its position (`next_delivery.lua`). A node reads it when a message was stored through
//! it, and every few seconds looks for messages that failed nodes have left.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use jsonwebtoken::{Algorithm, EncodingKey};
use secrecy::ExposeSecret;
use tokio::task::JoinSet;
use tracing::{debug, warn};

use super::hook_makers::maker;
use super::hooked_rooms::{HookedRooms, KnownHook};
use crate::domain::{EntryId, Error, HookId, Message, OutgoingHook, Result, RoomId, hex};
use crate::metrics::{Count, Metrics};
use crate::outbound::{Failure, Outbound};
use crate::store::{Due, Store};

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
const LEASE_MARGIN: Duration = Duration::from_secs(2);
/// The error that creators of a webhook see when the server is at fault.
const UNREADABLE: &str = "the server cannot read the room";
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
    /// How long a message belongs to this node.
    lease: Duration,
    /// The lanes that a task of this node is delivering, and whether a message was stored meanwhile.
    busy: Mutex<HashMap<Lane, bool>>,
    /// Whether there were webhooks since the node started.
    had_any: AtomicBool,
}

/// What a task does next.
enum Step {
    /// Ask for the next message.
    Go,
    Wait(Duration),
    /// The room cannot be asked, for a reason that does not pass by itself.
    Fail(Error),
    End,
}

/// Why a message was not delivered.
struct Failed {
    /// What those read who have made the webhook.
    shown: String,
    /// What only operators read.
    cause: Option<String>,
    /// The pause that the receiver asks for.
    asked: Option<Duration>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { shown: UNREADABLE.to_owned(), cause: Some(error.to_string()), asked: None }
    }
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
        let lease = longest_request + LEASE_MARGIN;
        Self { store, outbound, hooked, metrics, print, lease, busy: Mutex::default(), had_any: AtomicBool::new(false) }
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
                    this.sweep(sweeps).await
                }
                Some(_) = tasks.join_next() => continue,
            };
            for room in this.hooked.take_touched().into_iter().chain(swept) {
                this.look_at(room, &mut tasks);
            }
        }
    }

    /// Reads the webhooks, and returns rooms in which they may have something to deliver.
    async fn sweep(&self, number: u64) -> Vec<RoomId> {
        let is_long = number % LONG_SWEEP == 1;
        let sweeping = async {
            // All of them only when something has changed, and now and then in case that went unnoticed.
            let known = self.hooked.version().filter(|_| !is_long);
            let removed = match self.store.changed_hooks(known.as_deref()).await? {
                Some((version, hooks)) => self.hooked.set_version(version, hooks),
                None => HashSet::new(),
            };
            let mut rooms = self.hooked.rooms();
            if self.hooked.has_general() {
                rooms.extend(self.active_rooms(if is_long { DAY_MS } else { ACTIVE_WITHIN_MS }).await?);
            }
            self.had_any.fetch_or(!self.hooked.is_empty(), Ordering::Relaxed);
            let is_for_all = number == 1 || (is_long && self.had_any.load(Ordering::Relaxed));
            self.forget_removed(&removed, is_for_all).await?;
            Ok::<_, Error>(rooms)
        };
        sweeping.await.unwrap_or_else(|error| {
            debug!(%error, "could not look for webhooks, trying again");
            Vec::new()
        })
    }

    async fn active_rooms(&self, within_ms: u64) -> Result<Vec<RoomId>> {
        self.store.rooms_active_since(self.store.now_ms().saturating_sub(within_ms), MAX_SWEPT).await
    }

    /// Removes what removed webhooks have left in logs. Rooms that are silent for longer lose it when they are active again, or
    /// with their log.
    async fn forget_removed(&self, removed: &HashSet<Option<RoomId>>, is_for_all: bool) -> Result<()> {
        let mut rooms: Vec<RoomId> = removed.iter().copied().flatten().collect();
        if is_for_all || removed.contains(&None) {
            rooms.extend(self.active_rooms(DAY_MS).await?);
        }
        self.store.forget_removed_hooks(&rooms).await
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
        let mut faults = 0;
        while self.hooked.has(&known.hook.id) {
            let step = self.step(&known, room).await;
            faults = if matches!(step, Step::Fail(_)) { faults + 1 } else { 0 };
            match step {
                Step::Go => {}
                Step::Wait(pause) => tokio::time::sleep(pause).await,
                Step::Fail(error) => tokio::time::sleep(self.note_fault(&known.hook, room, error, faults).await).await,
                Step::End if self.may_end(&lane) => return,
                Step::End => {}
            }
        }
        self.busy.lock().expect("no panic while held").remove(&lane);
        // What was under way when the webhook was removed may have left it.
        self.note(self.store.forget_removed_hooks(&[room]).await);
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

    async fn step(&self, known: &KnownHook, room: RoomId) -> Step {
        // Before the lease begins; until the message is settled, because the next turn may be long in coming.
        let Ok(_turn) = known.requests.acquire().await else { return Step::End };
        if !self.hooked.has(&known.hook.id) {
            return Step::End;
        }
        match self.take(&known.hook, room).await {
            Ok(step) => step,
            Err(error @ Error::Unavailable(_)) => {
                debug!(hook.id = %known.hook.id, room.id = %room, %error, "could not read the next webhook delivery, trying again");
                Step::Wait(UNAVAILABLE_PAUSE)
            }
            Err(error) => Step::Fail(error),
        }
    }

    /// Delivers the next message, if there is one.
    async fn take(&self, hook: &OutgoingHook, room: RoomId) -> Result<Step> {
        let Some(maker) = maker(&self.store, hook.origin.made_by).await? else { return Ok(Step::End) };
        match self.store.next_delivery(hook, maker, room, self.lease).await? {
            Due::Nothing | Due::Closed => Ok(Step::End),
            Due::More => Ok(Step::Go),
            Due::Busy(rest) => Ok(Step::Wait(rest + Duration::from_millis(fastrand::u64(..FIRST_PAUSE_MS)))),
            Due::Message(entry, None, _) => Ok(self.acknowledge(hook, room, entry).await),
            Due::Message(entry, Some(message), attempt) => Ok(self.attempt(hook, entry, &message, attempt).await),
            Due::Unreadable(entry, error) => {
                warn!(hook.id = %hook.id, room.id = %room, entry = %entry, %error, "a stored message cannot be read: it is not delivered");
                self.note_failure(hook, &error.into(), true).await;
                Ok(self.acknowledge(hook, room, entry).await)
            }
        }
    }

    async fn attempt(&self, hook: &OutgoingHook, entry: EntryId, message: &Message, attempt: u64) -> Step {
        let room = message.id.room;
        let Err(failed) = self.send(hook, message).await else {
            self.metrics.count(Count::HookDeliveries);
            let settled = self.acknowledge(hook, room, entry).await;
            self.note(self.store.note_hook_delivers(&hook.id).await);
            return settled;
        };
        let error = failed.cause.as_ref().unwrap_or(&failed.shown);
        let is_given_up = self.store.now_ms().saturating_sub(entry.at_ms) > GIVEN_UP_AFTER_MS;
        match is_given_up {
            true => {
                warn!(hook.id = %hook.id, message.id = %message.id.to_integer(), error, "a webhook has failed for a day: a message is dropped");
            }
            false => debug!(hook.id = %hook.id, message.id = %message.id.to_integer(), error, "a webhook has failed"),
        }
        self.note_failure(hook, &failed, is_given_up).await;
        if is_given_up {
            return self.acknowledge(hook, room, entry).await;
        }
        let pause = pause(attempt).max(failed.asked.unwrap_or_default().min(LONGEST_ASKED));
        self.note(self.store.put_off_delivery(&hook.id, room, entry, pause).await);
        Step::Wait(pause)
    }

    /// Acknowledges a message, while no other node has a reason to take it. What was delivered must not be taken again for
    /// want of Redis.
    async fn acknowledge(&self, hook: &OutgoingHook, room: RoomId, entry: EntryId) -> Step {
        let mut faults = 0;
        while self.hooked.has(&hook.id) {
            match self.store.acknowledge_delivery(&hook.id, room, entry).await {
                Ok(()) => break,
                Err(error @ Error::Unavailable(_)) => {
                    debug!(hook.id = %hook.id, room.id = %room, %error, "could not acknowledge a message, trying again");
                    tokio::time::sleep(UNAVAILABLE_PAUSE).await;
                }
                Err(error) => {
                    faults += 1;
                    tokio::time::sleep(self.note_fault(hook, room, error, faults).await).await;
                }
            }
        }
        Step::Go
    }

    /// Notes that the server is at fault. Returns the pause until the next try.
    async fn note_fault(&self, hook: &OutgoingHook, room: RoomId, error: Error, faults: u64) -> Duration {
        warn!(hook.id = %hook.id, room.id = %room, %error, "messages cannot be delivered to a webhook, trying again");
        self.note_failure(hook, &error.into(), false).await;
        pause(faults)
    }

    async fn note_failure(&self, hook: &OutgoingHook, failed: &Failed, is_given_up: bool) {
        self.metrics.count(Count::HookFailures);
        let cause = failed.cause.as_deref();
        self.note(self.store.note_hook_fails(&hook.id, &failed.shown, cause, is_given_up).await);
    }

    fn note(&self, outcome: Result<()>) {
        if let Err(error) = outcome {
            debug!(%error, "could not record the state of a webhook");
        }
    }

    /// Sends a message.
    async fn send(&self, hook: &OutgoingHook, message: &Message) -> std::result::Result<(), Failed> {
        let body = (self.print)(hook, message);
        let signature = signature(hook, self.store.now_ms() / 1000, &body)?;
        let (id, hook_id) = (message.id.to_integer().to_string(), hook.id.to_string());
        let headers = [
            ("Content-Type", "application/json"),
            ("X-Chinwag-Hook", &*hook_id),
            ("X-Chinwag-Delivery", &*id),
            ("X-Chinwag-Signature", &*signature),
        ];
        match self.outbound.post(&hook.url, &headers, body).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
            Ok(answer) => {
                Err(Failed { shown: format!("status {}", answer.status), cause: None, asked: answer.retry_after })
            }
            Err(failure @ (Failure::Closed | Failure::Timeout | Failure::Unreachable(_))) => {
                Err(Failed { shown: Failure::SHOWN.to_owned(), cause: Some(failure.to_string()), asked: None })
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
