//! Error replies of a shard for a command that belongs elsewhere.

use redis::Value;

/// Where a command that was not run has to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum Redirect {
    /// The slot has another owner for good.
    Moved { slot: u16, address: Address },
    /// The slot is being moved to another owner, which has this key already.
    Ask { address: Address },
    /// The slot is being moved, and the keys of the command are on both sides.
    TryAgain,
    /// The shard does not know the owner of the slot, or the owner is unavailable.
    Down,
}

/// Host and port of a shard. An empty host is that of the server that named it.
pub(in crate::store) type Address = (String, u16);

impl Redirect {
    /// Reads a reply; `None` for one that is no redirect.
    pub(in crate::store) fn of(reply: &Value) -> Option<Self> {
        let Value::ServerError(error) = reply else { return None };
        match error.code() {
            "MOVED" => {
                let (slot, address) = error.details()?.split_once(' ')?;
                Some(Self::Moved { slot: slot.parse().ok()?, address: parse_address(address)? })
            }
            "ASK" => Some(Self::Ask { address: parse_address(error.details()?.split_once(' ')?.1)? }),
            "TRYAGAIN" => Some(Self::TryAgain),
            "CLUSTERDOWN" => Some(Self::Down),
            _ => None,
        }
    }
}

/// Parses `host:port`; IPv6 addresses come without brackets.
fn parse_address(text: &str) -> Option<Address> {
    let (host, port) = text.trim().rsplit_once(':')?;
    Some((host.to_owned(), port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_read_and_other_replies_are_none() {
        let of = |reply: &str| Redirect::of(&redis::parse_redis_value(reply.as_bytes()).expect("a reply"));
        let at = |host: &str, port| (host.to_owned(), port);
        for (reply, expected) in [
            ("-MOVED 3999 127.0.0.1:6381\r\n", Some(Redirect::Moved { slot: 3999, address: at("127.0.0.1", 6381) })),
            ("-MOVED 1 :6381\r\n", Some(Redirect::Moved { slot: 1, address: at("", 6381) })),
            ("-MOVED 1 ::1:6381\r\n", Some(Redirect::Moved { slot: 1, address: at("::1", 6381) })),
            ("-ASK 3999 shard-2.example:6381\r\n", Some(Redirect::Ask { address: at("shard-2.example", 6381) })),
            ("-TRYAGAIN Multiple keys request during rehashing of slot\r\n", Some(Redirect::TryAgain)),
            ("-CLUSTERDOWN Hash slot not served\r\n", Some(Redirect::Down)),
            ("-MOVED nonsense\r\n", None),
            ("-READONLY You can't write against a read only replica.\r\n", None),
            ("-ERR no such key\r\n", None),
            ("+MOVED 3999 127.0.0.1:6381\r\n", None),
        ] {
            assert_eq!(of(reply), expected, "{reply}");
        }
    }
}
