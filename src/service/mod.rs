//! Floor 2: all rules, rate limits included: accounts, rooms, messages, presence, uploads, statistics, the dashboard.
//!
//! Imports `config`, `domain`, `metrics` and `store`; knows neither `fanout` nor HTTP nor a dialect. Authorisation is
//! decided in two places: the store's scripts check membership, atomically with the operation that it guards, and
//! `access.rs` checks what roles and scopes grant.

mod access;
mod accounts;
mod administration;
mod applications;
mod archive;
mod audit;
mod backups;
mod bindings;
mod blocks;
mod claims;
mod conversation_settings;
mod dashboard;
mod deletion;
mod deliveries;
mod documents;
mod file_store;
mod focus;
mod grant;
mod hook_makers;
mod hooked_messages;
mod hooked_rooms;
mod hooks;
mod images;
mod incoming;
mod invites;
mod issued_accounts;
mod issuer_keys;
mod issuers;
mod limits;
mod low_priority;
mod managed_messages;
mod managed_rooms;
mod mentions;
mod messages;
mod objective;
mod pace;
mod passwords;
mod pictures;
mod pins;
mod places;
mod poll;
mod presence;
mod present_names;
mod profiles;
mod provision;
mod push;
mod quantiles;
mod range;
mod revocations;
mod room_links;
mod room_removals;
mod room_settings;
mod rooms;
mod search;
mod series;
mod sessions;
mod shelf;
mod signatures;
mod slow_routes;
mod stored_file;
mod sum;
mod tokens;
mod traces;
mod upload_path;
mod upload_turns;
mod upload_upkeep;
mod uploads;
mod watermarks;

use std::sync::Arc;

pub use access::IpVisibility;
pub use accounts::{Accounts, Identity};
pub use administration::{Administration, UploadUse};
pub use applications::Applications;
pub use archive::{Archive, BackupError, Contents};
pub use audit::Operator;
pub use backups::{Backups, Restoring, inspect as inspect_backup};
pub use blocks::Blocks;
pub use dashboard::{Dashboard, DashboardSnapshot, SnapshotCache, Wanted};
pub use deliveries::{Deliveries, PrintDelivery};
pub use file_store::{folder_of as uploads_folder, free_bytes, probe as probe_uploads};
pub use focus::{Focus, FocusedWindow};
pub use grant::Grant;
pub use hooked_rooms::HookedRooms;
pub use hooks::{Hooks, ListedHook, shown_secret};
pub use invites::Invite;
pub use issuer_keys::count_published_keys;
pub use limits::{Caps, Limits};
pub use messages::{Messages, Receiver};
pub use objective::{Fulfilment, Objective};
pub use passwords::Passwords;
pub use poll::Poll;
pub use presence::{OnlineList, Presence, Throttle};
pub use profiles::Profiles;
pub use push::{Alert, Alerts, Push, PushAccess, PushSender, Vapid, new_push_key};
pub use quantiles::Quantiles;
pub use range::Range;
pub use revocations::Revocations;
pub use room_removals::RoomRemovals;
pub use rooms::Rooms;
pub use series::{Closes, Latest, RouteErrors, Series, Steps, Values};
pub use slow_routes::SlowRoute;
pub use stored_file::StoredFile;
pub use tokens::Tokens;
pub use traces::{Questions, Recipient, Trace, Traces};
pub use upload_path::{Folder, UploadPath};
pub use uploads::{Files, NewUpload, Uploads};
pub use watermarks::Watermarks;

use crate::config::{Adding, Registration};
use crate::metrics::Metrics;
use crate::outbound::Outbound;
use crate::store::{MemberBounds, Store};

pub use crate::store::{
    FileDescription, Incident, LostNode, NodeRow, NodeTrace, Restored, ServerInfo, SocketPush, Stats,
};

/// What the services of a node's workers share.
#[derive(Clone)]
pub struct Shared {
    /// Issues and checks tokens.
    pub tokens: Arc<Tokens>,
    /// Hashes passwords, with bounded concurrency.
    pub passwords: Arc<Passwords>,
    /// When the activity of each user was last written.
    pub throttle: Arc<Throttle>,
    /// The uploaded files.
    pub files: Files,
    /// Rate limits of this node.
    pub limits: Arc<Limits>,
    /// Who may register.
    pub registration: Registration,
    /// The users who may see addresses.
    pub ip_visibility: IpVisibility,
    /// The users who may add another to a room.
    pub adding: Adding,
    /// Maximum number of members that lists show.
    pub members: MemberBounds,
    /// The node's counters.
    pub metrics: Arc<Metrics>,
    /// What the node knows of outgoing webhooks.
    pub hooked: Arc<HookedRooms>,
    /// Sends requests to other servers.
    pub outbound: Outbound,
    /// Recent snapshots of the dashboard.
    pub snapshots: Arc<SnapshotCache>,
    /// What is needed to send notifications; `None` when the settings turn them off.
    pub push: Option<PushAccess>,
    /// The messages of which users are to be notified.
    pub alerts: Alerts,
    /// The windows of the node that have the focus.
    pub focus: Arc<Focus>,
    /// Questions to other nodes.
    pub questions: Arc<Questions>,
}

/// All services of one worker, over the worker's own store.
pub struct Services {
    /// Registration, login and what belongs to one's own account.
    pub accounts: Accounts,
    /// What users show of themselves.
    pub profiles: Profiles,
    /// Sending, reading and deleting messages.
    pub messages: Messages,
    /// Rooms and their members.
    pub rooms: Rooms,
    /// Removes rooms.
    pub room_removals: RoomRemovals,
    /// What administrators may do.
    pub administration: Administration,
    /// The tokens of applications.
    pub applications: Applications,
    /// Webhooks.
    pub hooks: Hooks,
    /// Whom users block.
    pub blocks: Blocks,
    /// Online users and their addresses.
    pub presence: Presence,
    /// Notifications without an open window.
    pub push: Push,
    /// The windows of the node that have the focus.
    pub focus: Arc<Focus>,
    /// Uploaded files.
    pub uploads: Uploads,
    /// The metrics of all nodes.
    pub dashboard: Dashboard,
    /// Where messages are.
    pub traces: Traces,
    /// Rate limits of this node. The other services check those that concern them; `edge` checks the rate of requests
    /// and frames.
    pub limits: Arc<Limits>,
}

impl Services {
    /// Creates the services of a worker. `watermarks` answers polls without a round trip where it can.
    pub fn new(store: &Store, shared: &Shared, watermarks: Arc<dyn Watermarks>) -> Self {
        let metrics = || Arc::clone(&shared.metrics);
        let limits = || Arc::clone(&shared.limits);
        let uploads = Uploads::new(shared.files.clone(), store.clone());
        let (tokens, passwords) = (Arc::clone(&shared.tokens), Arc::clone(&shared.passwords));
        let accounts = Accounts::new(store.clone(), tokens, passwords, limits(), shared.registration);
        Self {
            administration: Administration::new(accounts.clone()),
            applications: Applications::new(accounts.clone()),
            hooks: Hooks::new(accounts.clone(), shared.outbound.clone()),
            accounts,
            profiles: Profiles::new(store.clone(), Arc::clone(&shared.tokens), limits(), uploads.clone()),
            messages: Messages::new(
                store.clone(),
                (limits(), metrics()),
                uploads.clone(),
                watermarks,
                Arc::clone(&shared.hooked),
                shared.alerts.clone(),
            ),
            rooms: Rooms::new(store.clone(), shared.members, limits(), shared.adding, uploads.clone()),
            room_removals: RoomRemovals::new(store.clone(), uploads.clone()),
            blocks: Blocks::new(store.clone()),
            presence: Presence::new(store.clone(), Arc::clone(&shared.throttle), shared.ip_visibility),
            push: Push::new(store.clone(), limits(), shared.push.clone()),
            focus: Arc::clone(&shared.focus),
            uploads,
            dashboard: Dashboard::new(store.clone(), metrics(), Arc::clone(&shared.snapshots)),
            traces: Traces::new(store.clone(), Arc::clone(&shared.questions)),
            limits: limits(),
        }
    }
}
