//! Optional fields of bodies and frames.

use serde::{Deserialize, Deserializer};

/// Deserializes an optional field with a default. `null` counts as absent; with `#[serde(default)]` alone it would not.
///
/// # Errors
/// The value has another type.
pub fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
