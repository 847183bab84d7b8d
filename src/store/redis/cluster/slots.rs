//! Hash slots of keys and of commands.

use redis::{Arg, Cmd};

/// Number of slots of a cluster.
pub(super) const SLOTS: usize = 16_384;

/// The slot of a key or of a sharded channel: of its tag, if it has one.
pub(in crate::store) fn slot_of_key(key: &[u8]) -> u16 {
    crc16(tag(key)) % SLOTS as u16
}

/// The slot of a command's first key. All keys of a script share it. `None` for a command that any server may answer.
pub(super) fn slot_of_command(command: &Cmd) -> Option<u16> {
    let mut words = command.args_iter().map(|argument| match argument {
        Arg::Simple(bytes) => bytes,
        _ => b"".as_slice(),
    });
    let key = match words.next()? {
        b"EVAL" | b"EVALSHA" => match words.nth(1)? {
            b"0" => return None,
            _ => words.next()?,
        },
        // Behind the name of a subcommand.
        b"XGROUP" | b"XINFO" => words.nth(1)?,
        b"TIME" | b"PING" | b"ECHO" | b"INFO" | b"SCRIPT" | b"WAIT" | b"CLUSTER" => return None,
        _ => words.next()?,
    };
    Some(slot_of_key(key))
}

/// What stands between the first `{` and the next `}`; the whole key if that is nothing.
fn tag(key: &[u8]) -> &[u8] {
    let Some(open) = key.iter().position(|byte| *byte == b'{') else { return key };
    let rest = &key[open + 1..];
    match rest.iter().position(|byte| *byte == b'}') {
        Some(length) if length > 0 => &rest[..length],
        _ => key,
    }
}

/// CRC-16/XMODEM, as the specification of Redis Cluster demands.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(
            crc ^ (u16::from(*byte) << 8),
            |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_redis() {
        assert_eq!(crc16(b"123456789"), 0x31C3, "the example of the specification");
        // As `CLUSTER KEYSLOT` prints them.
        for (key, slot) in
            [("foo", 12182), ("{user1000}.following", 3443), ("foo{}{bar}", 8363), ("foo{{bar}}zap", 4015)]
        {
            assert_eq!(slot_of_key(key.as_bytes()), slot, "{key}");
        }
        assert_eq!(slot_of_key(b"cw:{r:7}:log"), slot_of_key(b"cw:{r:7}"));
    }

    #[test]
    fn commands_go_where_their_first_key_is() {
        let slot = |words: &[&str]| {
            let mut command = redis::cmd(words[0]);
            words[1..].iter().for_each(|word| {
                command.arg(*word);
            });
            slot_of_command(&command)
        };
        let of_key = Some(slot_of_key(b"k"));
        assert_eq!(slot(&["GET", "k"]), of_key);
        assert_eq!(slot(&["XGROUP", "DESTROY", "k", "group"]), of_key);
        assert_eq!(slot(&["XINFO", "GROUPS", "k"]), of_key);
        assert_eq!(slot(&["SPUBLISH", "k", "text"]), of_key);
        assert_eq!(slot(&["EVALSHA", "0123", "2", "k", "{k}:2", "k2"]), of_key);
        assert_eq!(slot(&["EVALSHA", "0123", "0", "k"]), None);
        assert_eq!(slot(&["INFO", "memory"]), None);
        assert_eq!(slot(&["TIME"]), None);
    }
}
