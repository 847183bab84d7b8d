//! Close codes of WebSockets (RFC 6455, §7.4.1), and whether a client may reconnect after each.

use std::borrow::Cow;

/// Counted for a connection that ended without a close frame. Never sent.
pub const CUT: u16 = 1006;

/// The codes with which a node closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseCode {
    /// The client closed the connection.
    Normal = 1000,
    /// The client was silent.
    GoingAway = 1001,
    /// The client broke the protocol.
    ProtocolError = 1002,
    /// The client sent text that is not UTF-8.
    NotUtf8 = 1007,
    /// The client violated a rule of this server, or its token is no longer valid.
    Policy = 1008,
    /// The client sent a message that is too large.
    TooLarge = 1009,
    /// The server has a defect.
    Internal = 1011,
    /// The node restarts.
    Restart = 1012,
    /// The node cannot deliver all events on this connection.
    TryAgainLater = 1013,
}

impl CloseCode {
    /// All codes in ascending order.
    pub const ALL: [Self; 9] = [
        Self::Normal,
        Self::GoingAway,
        Self::ProtocolError,
        Self::NotUtf8,
        Self::Policy,
        Self::TooLarge,
        Self::Internal,
        Self::Restart,
        Self::TryAgainLater,
    ];

    /// Returns the number on the wire.
    pub fn number(self) -> u16 {
        self as u16
    }

    /// Describes the code's meaning on this server, for the documentation.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Normal => "the client closed the connection",
            Self::GoingAway => "the client was silent for 60 seconds",
            Self::ProtocolError => "a frame that RFC 6455 does not allow",
            Self::NotUtf8 => "text that is not UTF-8",
            Self::Policy => "the token expired or was revoked; too many frames; requests whose responses are not read",
            Self::TooLarge => "a message over 128 KiB or in over 1024 fragments",
            Self::Internal => "a defect of the server",
            Self::Restart => "the node restarts; the reason ends in `retry_after_ms=<n>`",
            Self::TryAgainLater => "the client, or the node, is too slow for what is to be delivered",
        }
    }

    /// Whether a client may reconnect without changing anything.
    pub fn may_reconnect(self) -> bool {
        match self {
            Self::GoingAway | Self::Internal | Self::Restart | Self::TryAgainLater => true,
            Self::Normal | Self::ProtocolError | Self::NotUtf8 | Self::Policy | Self::TooLarge => false,
        }
    }

    /// Describes whether and how a client should reconnect, for the documentation.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Normal => "no",
            Self::GoingAway => "yes",
            Self::ProtocolError | Self::NotUtf8 => "no: a bug in the client",
            Self::Policy => "no: log in again, or slow down",
            Self::TooLarge => "no: it would be refused again",
            Self::Internal => "yes, with growing pauses, and resume",
            Self::Restart => "yes, after that many milliseconds",
            Self::TryAgainLater => "yes, and resume",
        }
    }
}

/// The code and the reason of a close frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// The number in the frame. One of [`CloseCode`], or a client's own that is echoed.
    pub code: u16,
    /// The reason. Truncated to 123 bytes in the frame.
    pub reason: Cow<'static, str>,
}

impl Close {
    /// The client was silent for too long.
    pub const SILENT: Self = Self::new(CloseCode::GoingAway, "nothing was heard for 60 s");
    /// The client broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self::new(CloseCode::ProtocolError, "protocol error");
    /// The client sent text that is not UTF-8.
    pub const NOT_UTF8: Self = Self::new(CloseCode::NotUtf8, "text is not UTF-8");
    /// The token is no longer valid.
    pub const TOKEN_ENDED: Self = Self::new(CloseCode::Policy, "token expired or revoked, log in again");
    /// The client sends control frames too fast.
    pub const TOO_MANY_FRAMES: Self = Self::new(CloseCode::Policy, "too many frames");
    /// The client does not read the responses to its requests.
    pub const NOT_READING: Self = Self::new(CloseCode::Policy, "asks and does not read");
    /// The client sent a message that is too large.
    pub const TOO_LARGE: Self = Self::new(CloseCode::TooLarge, "message too large");
    /// Delivery failed because of a defect.
    pub const INTERNAL: Self = Self::new(CloseCode::Internal, "internal error, come back and resume");
    /// The client reads its frames too slowly.
    pub const TOO_SLOW: Self = Self::new(CloseCode::TryAgainLater, "too slow, come back and resume");
    /// Retention removed messages before they were delivered.
    pub const MESSAGES_GONE: Self = Self::new(CloseCode::TryAgainLater, "messages are gone, come back and read anew");
    /// The node does not keep up with delivery.
    pub const NODE_TOO_SLOW: Self =
        Self::new(CloseCode::TryAgainLater, "the server was too slow, come back and resume");

    const fn new(code: CloseCode, reason: &'static str) -> Self {
        Self { code: code as u16, reason: Cow::Borrowed(reason) }
    }

    /// Returns the response to a client's close frame. Repeats its code if that may be sent.
    pub fn echo(code: Option<u16>) -> Self {
        let code = code.filter(|code| may_be_sent(*code)).unwrap_or(CloseCode::Normal.number());
        Self { code, reason: Cow::Borrowed("") }
    }

    /// Returns the close frame of a restarting node, which asks the client to reconnect after `retry_ms`.
    pub fn restart(retry_ms: u64) -> Self {
        let reason = format!("restart, retry_after_ms={retry_ms}").into();
        Self { code: CloseCode::Restart.number(), reason }
    }
}

/// Whether a close frame may carry this code. Some codes are reserved for local use and must not be sent.
fn may_be_sent(code: u16) -> bool {
    (1000..5000).contains(&code) && ![1004, 1005, CUT, 1015].contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_code_is_echoed_if_it_may_be_sent() {
        for (code, echoed) in [(None, 1000), (Some(3001), 3001), (Some(1006), 1000), (Some(999), 1000)] {
            assert_eq!(Close::echo(code).code, echoed);
        }
    }

    #[test]
    fn the_advice_to_reconnect_agrees_with_the_code() {
        for code in CloseCode::ALL {
            assert_eq!(code.advice().starts_with("yes"), code.may_reconnect(), "{code:?}");
        }
    }

    #[test]
    fn reasons_fit_a_close_frame() {
        for close in [Close::MESSAGES_GONE, Close::NODE_TOO_SLOW, Close::TOKEN_ENDED, Close::restart(u64::MAX)] {
            assert!(close.reason.len() <= 123, "{close:?}");
        }
    }
}
