//! Floor 2: every rule. Accounts, rooms, messages, presence, uploads, statistics, the dashboard.
//!
//! Imports `domain`, `metrics` and `store`. Does not know `fanout`, HTTP or a dialect. Authorisation is decided in two
//! places only: by the store's scripts for membership (atomically with what it guards), by `access.rs` for
//! everything that a role grants.

mod access;
mod accounts;
mod dashboard;
mod file_store;
mod images;
mod incoming;
mod limits;
mod messages;
mod passwords;
mod poll;
mod presence;
mod range;
mod rooms;
mod series;
mod sniff;
mod sum;
mod tokens;
mod upload_path;
mod uploads;
mod watermarks;

use std::sync::Arc;

pub use access::IpVisibility;
pub use accounts::{Accounts, Identity};
pub use dashboard::{Dashboard, DashboardSnapshot, SnapshotCache, Wanted};
pub use limits::Limits;
pub use messages::{Messages, Receiver};
pub use passwords::Passwords;
pub use poll::Poll;
pub use presence::{Presence, Throttle};
pub use range::Range;
pub use rooms::Rooms;
pub use series::{Closes, Latest, Quantiles, RouteErrors, Series, Steps, Values};
pub use tokens::{Grant, Revocations, Tokens};
pub use upload_path::{Folder, UploadPath};
pub use uploads::{StoredFile, Uploads};
pub use watermarks::Watermarks;

use crate::metrics::Metrics;
use crate::store::{SendRate, Store};

pub use crate::store::{NodeRow, ServerInfo, Stats};

/// What the services of one node share, whatever the worker.
#[derive(Clone)]
pub struct Shared {
    /// Makes and checks tokens.
    pub tokens: Arc<Tokens>,
    /// Hashes passwords, a bounded number at a time.
    pub passwords: Arc<Passwords>,
    /// When each user's activity was last written.
    pub throttle: Arc<Throttle>,
    /// Where files are kept.
    pub uploads: Uploads,
    /// Rates of this node.
    pub limits: Arc<Limits>,
    /// How fast a user may send into one room; `None` when limits are off.
    pub send_rate: Option<SendRate>,
    /// Who sees addresses.
    pub ip_visibility: IpVisibility,
    /// Most members that a list shows of a room.
    pub members_listed: usize,
    /// What the node counts.
    pub metrics: Arc<Metrics>,
    /// What its dashboard has shown lately.
    pub snapshots: Arc<SnapshotCache>,
}

/// All services of one worker, over the worker's own store.
pub struct Services {
    /// Registering and logging in.
    pub accounts: Accounts,
    /// Sending, reading, deleting.
    pub messages: Messages,
    /// Making, joining, leaving, listing.
    pub rooms: Rooms,
    /// Who is online, and from where.
    pub presence: Presence,
    /// Files.
    pub uploads: Uploads,
    /// The metrics of all nodes.
    pub dashboard: Dashboard,
    /// Rates of this node. The other services check those that concern them; the rate of requests is for the machinery
    /// that reads requests and frames.
    pub limits: Arc<Limits>,
}

impl Services {
    /// The services over a store. Polls are answered from `watermarks` where possible.
    pub fn new(store: &Store, shared: &Shared, watermarks: Arc<dyn Watermarks>) -> Self {
        let metrics = || Arc::clone(&shared.metrics);
        let limits = || Arc::clone(&shared.limits);
        let (tokens, passwords) = (Arc::clone(&shared.tokens), Arc::clone(&shared.passwords));
        Self {
            accounts: Accounts::new(store.clone(), tokens, passwords, limits()),
            messages: Messages::new(store.clone(), shared.send_rate, shared.uploads.clone(), watermarks, metrics()),
            rooms: Rooms::new(store.clone(), shared.members_listed, shared.send_rate, limits()),
            presence: Presence::new(store.clone(), Arc::clone(&shared.throttle), shared.ip_visibility),
            uploads: shared.uploads.clone(),
            dashboard: Dashboard::new(store.clone(), metrics(), Arc::clone(&shared.snapshots)),
            limits: limits(),
        }
    }
}
