//! Hexadecimal digits.

use super::error::{Error, Result};

/// Prints bytes, two digits each.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads what [`hex`] prints.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let is_hex = text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    is_hex.then(|| (0..text.len()).step_by(2).map(byte).collect())?
}

/// Prints this number of bytes from the operating system's random source.
///
/// # Errors
/// `Internal` when it provides none.
pub fn random_hex<const BYTES: usize>() -> Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(error.to_string()))?;
    Ok(hex(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_round_trip_and_other_texts_are_refused() {
        let bytes = "李雷\x007".as_bytes();
        assert_eq!(from_hex(&hex(bytes)).as_deref(), Some(bytes));
        for bad in ["a", "zz", "+1", "é", "0x"] {
            assert_eq!(from_hex(bad), None, "{bad}");
        }
    }

    #[test]
    fn random_digits_differ() {
        let (one, other) = (random_hex::<10>().expect("drawn"), random_hex::<10>().expect("drawn"));
        assert_eq!(one.len(), 20);
        assert_ne!(one, other);
    }
}
