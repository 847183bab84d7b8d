//! Floor 3: what all dialects share of HTTP and WebSockets: authentication, limits, bodies, errors in dialect, the
//! one session loop.
//!
//! Imports `domain`, `metrics`, `fanout`, `service` and `config`. A dialect supplies values and functions; the
//! machinery is here.

mod connection;
mod context;
mod dialect;
mod drain;
mod faults;
mod http;
mod long_answers;
mod probes;
mod socket;
mod turn;

pub use connection::{AddressCap, HttpStream, Timing};
pub use context::Context;
pub use dialect::{Dialect, Registry};
pub use drain::{Stopping, close_sockets_at_stop};
pub use faults::{FAULTS_PATH, Fault, Faults, suffer_faults};
pub use http::{
    AllowedMethods, AllowedOrigins, Authenticated, FileForm, FormFields, JsonBody, ListFrame, Operating, OptionalBody,
    PayloadBody, Printer, QueryParams, QuietAuth, RequestSpan, TextForm, accepts, client_of, cors, count, counts_as,
    in_dialect, is_extended, is_from_trusted, is_head, is_known, json, known_tags, list_head, long_json, long_list,
    not_found, resource, retry_id,
};
pub use long_answers::{LongAnswer, LongAnswers};
pub use probes::Probes;
pub use socket::{
    Answer, Command, Credentials, Liveness, RawSocket, Refusal, Request, Resume, SocketCodec, SocketCounts,
    SocketRoute, Subject, Viewer, configure, read_frame,
};
