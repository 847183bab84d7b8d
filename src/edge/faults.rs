//! Faults on request, with which developers test their clients. Only a node of `chinwag dev` has them.

use std::sync::Mutex;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use tracing::debug;

use crate::domain::{Error, UserId};
use crate::fanout::Hub;

/// Path of the routes that set faults, to which no fault applies.
pub const FAULTS_PATH: &str = "/dev/faults";
const LONGEST_DELAY_MS: u64 = 600_000;
/// Maximum number of orders that wait for a worker.
const ORDERS: usize = 16;

/// What happens to requests.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fault {
    /// How the paths of these requests begin.
    path: String,
    /// How long each answer is held back, refusals included.
    delay_ms: u64,
    /// How many of the next requests are refused with 503. Counts down.
    fail_next: u64,
    /// Which share of the others is refused, from 0 to 1.
    fail_share: f64,
}

impl Default for Fault {
    fn default() -> Self {
        Self { path: "/".to_owned(), delay_ms: 0, fail_next: 0, fail_share: 0.0 }
    }
}

impl Fault {
    /// What is wrong with it.
    pub fn reason(&self) -> Option<&'static str> {
        if !self.path.starts_with('/') {
            return Some("path must begin with /");
        }
        if self.delay_ms > LONGEST_DELAY_MS {
            return Some("delay_ms must be at most 600000");
        }
        (!(0.0..=1.0).contains(&self.fail_share)).then_some("fail_share must be from 0 to 1")
    }

    /// Whether it refuses a request, which it thereby counts.
    fn refuses(&mut self) -> bool {
        if self.fail_next > 0 {
            self.fail_next -= 1;
            return true;
        }
        fastrand::f64() < self.fail_share
    }
}

/// An order to a worker to cut the connections of a user, or all, and say how many there were.
struct Cut {
    user: Option<UserId>,
    done: oneshot::Sender<usize>,
}

/// The faults of a node. Shared by its workers.
#[derive(Default)]
pub struct Faults {
    faults: Mutex<Vec<Fault>>,
    workers: Mutex<Vec<mpsc::Sender<Cut>>>,
}

/// What the faults do to one request.
#[derive(Debug, Default, PartialEq)]
struct Effect {
    is_refused: bool,
    delay: Duration,
}

impl Faults {
    /// All faults, with what is left to do of them.
    pub fn list(&self) -> Vec<Fault> {
        self.faults.lock().expect("no panic while held").clone()
    }

    /// Adds a fault to the others.
    pub fn add(&self, fault: Fault) {
        self.faults.lock().expect("no panic while held").push(fault);
    }

    /// Removes all faults.
    pub fn reset(&self) {
        self.faults.lock().expect("no panic while held").clear();
    }

    /// Cuts the WebSockets of a user, or all, without a close frame. Returns how many they were.
    pub async fn cut(&self, user: Option<UserId>) -> usize {
        let workers = self.workers.lock().expect("no panic while held").clone();
        let mut cut = 0;
        for worker in workers {
            let (done, count) = oneshot::channel();
            // A worker that has stopped has no connections.
            if worker.send(Cut { user, done }).await.is_ok() {
                cut += count.await.unwrap_or(0);
            }
        }
        cut
    }

    /// Carries out the orders to this worker, until the node ends.
    pub fn follow(&self, hub: Hub) -> impl Future<Output = ()> + use<> {
        let (orders, mut ordered) = mpsc::channel(ORDERS);
        self.workers.lock().expect("no panic while held").push(orders);
        async move {
            while let Some(Cut { user, done }) = ordered.recv().await {
                if done.send(hub.cut(user)).is_err() {
                    debug!("connections were cut, but the client that requested it has disconnected");
                }
            }
        }
    }

    fn effect(&self, path: &str) -> Effect {
        let mut effect = Effect::default();
        if path.starts_with(FAULTS_PATH) {
            return effect;
        }
        for fault in self.faults.lock().expect("no panic while held").iter_mut() {
            if path.starts_with(&fault.path) {
                effect.is_refused |= fault.refuses();
                effect.delay += Duration::from_millis(fault.delay_ms);
            }
        }
        effect
    }
}

/// Middleware that applies faults to requests: a refused one has no effect, a delayed one is carried out first.
///
/// # Errors
/// None of its own.
pub async fn suffer_faults(
    faults: web::Data<Faults>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Effect { is_refused, delay } = faults.effect(request.path());
    let response = match is_refused {
        true => request.error_response(Error::Unavailable("a fault on request".into())),
        false => next.call(request).await?,
    };
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(json: &str) -> Fault {
        serde_json::from_str(json).expect("a fault")
    }

    #[test]
    fn faults_concern_the_paths_that_begin_so() {
        let faults = Faults::default();
        faults.add(fault(r#"{"path":"/api/chat","fail_next":2}"#));
        faults.add(fault(r#"{"delay_ms":7}"#));
        let effect = |path| {
            let Effect { is_refused, delay } = faults.effect(path);
            (is_refused, delay.as_millis())
        };
        assert_eq!(effect("/api/v1/rooms"), (false, 7));
        assert_eq!([effect("/api/chat/send"), effect("/api/chat/rooms")], [(true, 7); 2]);
        assert_eq!(effect("/api/chat/send"), (false, 7), "the two are over");
        assert_eq!(effect("/dev/faults"), (false, 0));
        assert_eq!(faults.list()[0], fault(r#"{"path":"/api/chat"}"#));
        faults.reset();
        assert_eq!((effect("/api/v1/rooms"), faults.list()), ((false, 0), Vec::new()));
    }

    #[test]
    fn a_share_of_requests_is_refused() {
        let refused = |json: &str| {
            let mut fault = fault(json);
            (0..1000).filter(|_| fault.refuses()).count()
        };
        assert_eq!((refused("{}"), refused(r#"{"fail_share":1}"#)), (0, 1000));
        assert!((100..900).contains(&refused(r#"{"fail_share":0.5}"#)));
    }

    #[test]
    fn wrong_faults_say_why() {
        for (json, reason) in [
            (r#"{"path":"api"}"#, Some("path must begin with /")),
            (r#"{"delay_ms":600001}"#, Some("delay_ms must be at most 600000")),
            (r#"{"fail_share":1.1}"#, Some("fail_share must be from 0 to 1")),
            (r#"{"fail_share":-0.1}"#, Some("fail_share must be from 0 to 1")),
            (r#"{"path":"/ws","delay_ms":1,"fail_next":1,"fail_share":1}"#, None),
        ] {
            assert_eq!(fault(json).reason(), reason, "{json}");
        }
        assert!(serde_json::from_str::<Fault>(r#"{"delay":1}"#).is_err());
    }
}
