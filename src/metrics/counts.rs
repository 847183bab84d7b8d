//! The counters without labels.

/// A counter without labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// User messages stored by this node.
    Messages,
    /// Messages queued for sockets, counted once per socket.
    Deliveries,
    /// Opened sockets.
    Opened,
    /// Sockets that resumed the messages that they had missed.
    Resumed,
    /// Times that a socket fell behind.
    Lagging,
    /// Sockets closed because they fell too far behind.
    ClosedSlow,
    /// Reads that recovered events lost by pub/sub.
    GapRepairs,
    /// Requests, frames and messages that a rate limit refused.
    RateLimited,
    /// Uploaded files.
    Uploads,
    /// Total size of uploaded files.
    UploadBytes,
    /// Panics in the loops that deliver to sockets.
    WorkerPanics,
    /// Pages of history whose messages came from memory.
    PagesFromMemory,
    /// Pages of history that could not be answered from memory because the room had changed.
    PagesOutdated,
    /// Messages delivered to webhooks.
    HookDeliveries,
    /// Failed attempts to deliver a message to a webhook.
    HookFailures,
    /// Notifications that push services took.
    PushesSent,
    /// Notifications that push services did not take.
    PushesFailed,
    /// Notifications, or messages with notifications, that were dropped because a queue was full.
    PushesDropped,
}

/// Each counter with its name on the dashboard, its name in Prometheus, and its help text. In the order of [`Count`],
/// which stored minutes share: new counters are appended.
pub const COUNTS: [(Count, &str, &str, &str); 18] = [
    (Count::Messages, "messages", "chinwag_messages_total", "Stored user messages"),
    (
        Count::Deliveries,
        "deliveries",
        "chinwag_deliveries_total",
        "Messages queued for sockets, counted once per socket",
    ),
    (Count::Opened, "sockets_opened", "chinwag_sockets_opened_total", "Opened WebSockets"),
    (
        Count::Resumed,
        "sockets_resumed",
        "chinwag_sockets_resumed_total",
        "WebSockets that resumed the messages that they had missed",
    ),
    (Count::Lagging, "lagging", "chinwag_sockets_lagging_total", "Times that a WebSocket fell behind"),
    (
        Count::ClosedSlow,
        "closed_slow",
        "chinwag_sockets_closed_slow_total",
        "WebSockets closed because they fell too far behind",
    ),
    (Count::GapRepairs, "gap_repairs", "chinwag_gap_repairs_total", "Reads that recovered events lost by pub/sub"),
    (
        Count::RateLimited,
        "rate_limited",
        "chinwag_rate_limited_total",
        "Requests, frames and messages that a rate limit refused",
    ),
    (Count::Uploads, "uploads", "chinwag_uploads_total", "Uploaded files"),
    (Count::UploadBytes, "upload_bytes", "chinwag_upload_bytes_total", "Total size of uploaded files"),
    (
        Count::WorkerPanics,
        "worker_panics",
        "chinwag_worker_panics_total",
        "Panics in the loops that deliver to WebSockets",
    ),
    (
        Count::PagesFromMemory,
        "pages_from_memory",
        "chinwag_pages_from_memory_total",
        "Pages of history whose messages came from the node's memory",
    ),
    (
        Count::PagesOutdated,
        "pages_outdated",
        "chinwag_pages_outdated_total",
        "Pages of history for which the node's memory was not up to date",
    ),
    (Count::HookDeliveries, "hook_deliveries", "chinwag_hook_deliveries_total", "Messages delivered to webhooks"),
    (
        Count::HookFailures,
        "hook_failures",
        "chinwag_hook_failures_total",
        "Failed attempts to deliver a message to a webhook",
    ),
    (Count::PushesSent, "pushes_sent", "chinwag_pushes_sent_total", "Notifications that push services took"),
    (
        Count::PushesFailed,
        "pushes_failed",
        "chinwag_pushes_failed_total",
        "Notifications that push services did not take",
    ),
    (
        Count::PushesDropped,
        "pushes_dropped",
        "chinwag_pushes_dropped_total",
        "Notifications, or messages with notifications, that found no place in a queue",
    ),
];
