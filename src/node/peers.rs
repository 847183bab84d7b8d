//! The other nodes on the same Redis: whether this node's settings go together with theirs.
//!
//! Only running nodes count, so that settings can change: one node after the other where both values work together, all
//! at once otherwise.

use std::time::{Duration, Instant};

use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use secrecy::{ExposeSecret, SecretSlice};
use tracing::{info, warn};

use super::error::StartError;
use super::reporter::Reporter;
use super::wiring::retried;
use super::{kept_file, signing_keys};
use crate::config::Config;
use crate::domain::{Error, Result};
use crate::service::uploads_folder;
use crate::store::{FileStore, NodeRow, NodeSettings, OtherNode, Store};

/// What the fingerprint of a key signs. No token signs a text without a dot.
const FINGERPRINT_OF: &[u8] = b"chinwag: which key is this";
/// Characters of a fingerprint, six bits each.
const FINGERPRINT_LEN: usize = 22;
/// The file that identifies a folder of uploads, whatever its path on each machine.
const STORE_ID: &str = ".store-id";
/// Longest lease of a node's row, and a little more.
const LONGEST_LEASE: Duration = Duration::from_secs(55);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A difference between the settings of two nodes.
pub(super) enum Difference {
    /// This node must not start.
    Refused(String),
    /// Something does not work while both nodes run.
    Borne(String),
}

/// Identifies a key without revealing it.
fn fingerprint(key: &SecretSlice<u8>) -> Result<String> {
    let key = EncodingKey::from_secret(key.expose_secret()).map_err(Error::internal)?;
    let mut signature = crypto::sign(FINGERPRINT_OF, &key, Algorithm::HS256).map_err(Error::internal)?;
    signature.truncate(FINGERPRINT_LEN);
    Ok(signature)
}

/// A folder is identified by a file in it, because equal paths on two machines need not be one folder; a bucket by its
/// address.
fn identify_store(url: &str) -> std::io::Result<FileStore> {
    let id = match uploads_folder(url) {
        Some(folder) => kept_file::read_or_create(&folder.join(STORE_ID), 0o644, || uuid::Uuid::new_v4().to_string())?,
        None => url.to_owned(),
    };
    Ok(FileStore { url: url.to_owned(), id })
}

/// Stores the node's first row and its settings, and compares these with those of the nodes that run. Warns of
/// differences that are acceptable while nodes are restarted one after the other. A node without reports has no row and
/// is not compared.
///
/// # Errors
/// `Differs` when users would be logged out or miss files on every other request; the store's own errors.
pub(super) async fn join(reporter: &Reporter, config: &Config, uploads_url: &str) -> Result<(), StartError> {
    if reporter.every_ms == 0 {
        return Ok(());
    }
    let own = settings(config, uploads_url)?;
    retried(async || reporter.register().await).await?;
    let checked = check(reporter, &own, !config.uploads.url.is_empty()).await;
    if checked.is_err() {
        reporter.leave().await;
    }
    checked
}

/// Compares the settings of a node that is not started with those of the nodes that run. Returns their number, and the differences.
pub(super) async fn compare(store: &Store, config: &Config, uploads_url: &str) -> Result<(usize, Vec<Difference>)> {
    let keys = signing_keys::signing_keys(config).map_err(|error| Error::internal(error.to_string()))?;
    let keys = keys.iter().map(fingerprint).collect::<Result<Vec<String>>>()?;
    // A folder that no node has used yet is another than theirs.
    let id = match uploads_folder(uploads_url) {
        Some(folder) => {
            std::fs::read_to_string(folder.join(STORE_ID)).map_or_else(|_| String::new(), |id| id.trim().to_owned())
        }
        None => uploads_url.to_owned(),
    };
    let own = NodeSettings { keys, uploads: Some(FileStore { url: uploads_url.to_owned(), id }) };
    let others = store.settings_of_nodes().await?;
    let has_uploads_url = !config.uploads.url.is_empty();
    let found = others.iter().flat_map(|other| differences(&own, other, has_uploads_url)).collect();
    Ok((others.len(), found))
}

fn settings(config: &Config, uploads_url: &str) -> Result<NodeSettings, StartError> {
    let keys: Result<Vec<String>> = signing_keys::signing_keys(config)?.iter().map(fingerprint).collect();
    let uploads = identify_store(uploads_url);
    if let Err(error) = &uploads {
        warn!(%error, "could not identify the folder of uploads, so it is not compared with that of other nodes");
    }
    Ok(NodeSettings { keys: keys?, uploads: uploads.ok() })
}

async fn check(reporter: &Reporter, own: &NodeSettings, has_uploads_url: bool) -> Result<(), StartError> {
    for other in retried(async || reporter.store.announce_settings(&reporter.id, own).await).await? {
        for difference in differences(own, &other, has_uploads_url) {
            match difference {
                Difference::Borne(what) => warn!("{what}"),
                Difference::Refused(reason) => {
                    if is_alive(&reporter.store, &other.row).await? {
                        return Err(StartError::Differs(reason));
                    }
                }
            }
        }
    }
    Ok(())
}

fn differences(own: &NodeSettings, other: &OtherNode, has_uploads_url: bool) -> Vec<Difference> {
    let peer = format!("node {} at {}", other.row.id, other.row.address);
    let keys = compare_keys(&own.keys, &other.settings.keys, &peer);
    let uploads = match (&own.uploads, &other.settings.uploads) {
        (Some(own), Some(theirs)) => compare_uploads(own, theirs, &peer, has_uploads_url),
        (None, _) | (_, None) => None,
    };
    keys.into_iter().chain(uploads).collect()
}

fn compare_keys(own: &[String], theirs: &[String], peer: &str) -> Option<Difference> {
    let accepts = |keys: &[String], signing: &[String]| signing.first().is_none_or(|key| keys.contains(key));
    if !accepts(own, theirs) {
        return Some(Difference::Refused(format!(
            "auth.jwt_secret differs from that of {peer}, whose tokens this node would refuse: give both the same, or \
             set auth.jwt_secret_previous to the other's"
        )));
    }
    (!accepts(theirs, own)).then(|| {
        Difference::Borne(format!("auth.jwt_secret differs from that of {peer}, which refuses the tokens of this node"))
    })
}

/// Another address may be meant: uploads move while nodes are restarted. No address, or the same for another store, is
/// a mistake.
fn compare_uploads(own: &FileStore, theirs: &FileStore, peer: &str, has_uploads_url: bool) -> Option<Difference> {
    if own.id == theirs.id {
        return None;
    }
    if has_uploads_url && own.url != theirs.url {
        return Some(Difference::Borne(format!(
            "uploads.url differs from that of {peer}: files uploaded through one node are missing on the other"
        )));
    }
    Some(Difference::Refused(format!(
        "uploads.url must name one store for all nodes: {peer} keeps its uploads in {}, which is not {} of this node",
        theirs.url, own.url
    )))
}

/// Whether a node with a row still runs. One that was killed leaves its row for the rest of the lease.
async fn is_alive(store: &Store, row: &NodeRow) -> Result<bool> {
    info!(peer.id = row.id, peer.address = row.address, "checking whether a node with other settings still runs");
    let started = Instant::now();
    while started.elapsed() < LONGEST_LEASE {
        match store.node_row(&row.id).await? {
            None => return Ok(false),
            Some(renewed) if renewed.seen_ms != row.seen_ms => return Ok(true),
            Some(_) => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(keys: &[&str], uploads: Option<(&str, &str)>) -> NodeSettings {
        let uploads = uploads.map(|(url, id)| FileStore { url: url.to_owned(), id: id.to_owned() });
        NodeSettings { keys: keys.iter().map(|&key| key.to_owned()).collect(), uploads }
    }

    /// The settings that are refused (`!`) and accepted with a warning (`?`), each by the name of its section.
    fn found(own: &NodeSettings, theirs: NodeSettings, has_uploads_url: bool) -> Vec<String> {
        let other = OtherNode { row: NodeRow { id: "0000abcd".to_owned(), ..NodeRow::default() }, settings: theirs };
        let section = |text: &str| text.split('.').next().unwrap_or_default().to_owned();
        let differences = differences(own, &other, has_uploads_url).into_iter();
        differences
            .map(|difference| match difference {
                Difference::Refused(text) => format!("{}!", section(&text)),
                Difference::Borne(text) => format!("{}?", section(&text)),
            })
            .collect()
    }

    #[test]
    fn a_key_can_be_rotated_node_by_node_if_the_others_know_it() {
        let cases: [(&[&str], &[&str], &[&str]); 6] = [
            (&["old"], &["old"], &[]),
            (&["old", "new"], &["old"], &[]),        // the new key is announced
            (&["new", "old"], &["old", "new"], &[]), // it signs
            (&["new"], &["new", "old"], &[]),        // the old one is gone
            (&["new", "old"], &["old"], &["auth?"]), // in one step
            (&["new"], &["old"], &["auth!"]),
        ];
        for (own, theirs, expected) in cases {
            assert_eq!(found(&with(own, None), with(theirs, None), false), expected, "{own:?} beside {theirs:?}");
        }
    }

    #[test]
    fn two_stores_are_borne_only_under_two_configured_addresses() {
        let at = |url: &'static str, id: &'static str| with(&["key"], Some((url, id)));
        let own = at("file:///a", "1");
        for has_uploads_url in [false, true] {
            assert_eq!(found(&own, at("file:///mnt/a", "1"), has_uploads_url), [""; 0]);
            assert_eq!(found(&own, with(&["key"], None), has_uploads_url), [""; 0]);
            assert_eq!(found(&own, at("file:///a", "2"), has_uploads_url), ["uploads!"]);
        }
        assert_eq!(found(&own, at("file:///b", "2"), false), ["uploads!"]);
        assert_eq!(found(&own, at("file:///b", "2"), true), ["uploads?"]);
    }

    #[test]
    fn fingerprints_differ_by_key_and_do_not_contain_it() {
        let key = |text: &str| SecretSlice::from(text.repeat(8).into_bytes());
        let (first, again, second) = (fingerprint(&key("abcd")), fingerprint(&key("abcd")), fingerprint(&key("abce")));
        let (first, second) = (first.expect("a key"), second.expect("a key"));
        assert_eq!(first, again.expect("a key"));
        assert_ne!(first, second);
        assert_eq!(first.len(), FINGERPRINT_LEN);
        assert!(!first.contains("abcd"));
    }
}
