//! The keys that sign tokens: configured, or generated once and kept in the data folder.

use std::io::ErrorKind;

use secrecy::{ExposeSecret, SecretSlice, SecretString};

use super::error::StartError;
use super::{data_folder, kept_file};
use crate::config::{Config, MIN_SECRET_BYTES};
use crate::domain::random_hex;

/// Random bytes of a new secret.
const NEW_SECRET_BYTES: usize = 48;

/// Returns the configured keys. Without a configured secret, the first key is the one kept in the data folder.
pub(crate) fn signing_keys(config: &Config) -> Result<Vec<SecretSlice<u8>>, StartError> {
    let bytes = |secret: &SecretString| -> SecretSlice<u8> { secret.expose_secret().as_bytes().to_vec().into() };
    let mut keys = vec![match config.auth.jwt_secret.expose_secret().is_empty() {
        false => bytes(&config.auth.jwt_secret),
        true => bytes(&kept_secret(config)?),
    }];
    if !config.auth.jwt_secret_previous.expose_secret().is_empty() {
        keys.push(bytes(&config.auth.jwt_secret_previous));
    }
    Ok(keys)
}

/// Reads the secret of the data folder, which the first start generates.
fn kept_secret(config: &Config) -> Result<SecretString, StartError> {
    let path = data_folder::prepare(&config.data.dir)?.join("jwt_secret");
    let failed = |source| StartError::Io { what: path.display().to_string(), source };
    let secret = kept_file::read_or_create(&path, 0o600, new_secret).map_err(failed)?;
    if secret.len() < MIN_SECRET_BYTES {
        let what = "the signing secret is too short; remove the file for a new one, and everyone must log in again";
        return Err(failed(std::io::Error::new(ErrorKind::InvalidData, what)));
    }
    Ok(secret.into())
}

/// Generates a signing secret from the operating system's random source, as hexadecimal digits.
pub fn new_secret() -> String {
    random_hex::<NEW_SECRET_BYTES>().expect("the operating system provides random bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_secrets_are_long_enough_and_differ() {
        let (first, second) = (new_secret(), new_secret());
        assert_eq!(first.len(), 2 * NEW_SECRET_BYTES);
        assert!(first.len() >= MIN_SECRET_BYTES && first.chars().all(|digit| digit.is_ascii_hexdigit()));
        assert_ne!(first, second);
    }
}
