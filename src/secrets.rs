//! The keys that sign tokens: configured, or made once and kept in the data folder.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;

use secrecy::{ExposeSecret, SecretSlice, SecretString};

use crate::app::StartError;
use crate::config::Config;
use crate::embedded;

/// The keys as configured, or the one that the data folder keeps.
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

fn kept_secret(config: &Config) -> Result<SecretString, StartError> {
    let path = embedded::prepare(&config.data.dir)?.join("jwt_secret");
    let failed = |source| StartError::Io { what: path.display().to_string(), source };
    let new = File::options().write(true).create_new(true).mode(0o600).open(&path);
    match new {
        Ok(mut file) => {
            let secret = new_secret();
            file.write_all(secret.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
            Ok(secret.into())
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Ok(std::fs::read_to_string(&path).map_err(failed)?.trim().into())
        }
        Err(error) => Err(failed(error)),
    }
}

/// A fresh signing secret: hex digits of three random UUIDs, 366 random bits.
pub fn new_secret() -> String {
    (0..3).map(|_| uuid::Uuid::new_v4().simple().to_string()).collect()
}
