//! Settings that a running node reads again.

use std::path::PathBuf;
use std::sync::Arc;

use tracing::{error, info, warn};

use super::telemetry;
use crate::config::{Config, LimitsConfig, Values};
use crate::edge::AllowedOrigins;
use crate::service::Limits;

/// Settings that begin with one of these are reloaded, except [`FIXED`].
const RELOADED: [&str; 3] = ["limits.", "server.allowed_origins", "log.filter"];
/// Limits that Redis, lists and open WebSockets have read already.
const FIXED: [&str; 6] = [
    "limits.rooms_per_user",
    "limits.rooms_made_daily",
    "limits.members_listed",
    "limits.members_answered",
    "limits.receipt_members",
    "limits.behind_secs",
];

/// What the workers of a node read again for each request.
#[derive(Clone)]
pub struct LiveSettings {
    pub(super) limits: Arc<Limits>,
    pub(super) allowed_origins: AllowedOrigins,
}

impl LiveSettings {
    /// Applies new limits, except those that need a restart.
    pub fn set_limits(&self, limits: &LimitsConfig) {
        self.limits.reload(limits);
    }

    fn apply(&self, config: &Config, changed: &[&str]) {
        if changed.iter().any(|name| name.starts_with("limits.")) {
            self.limits.reload(&config.limits);
        }
        self.allowed_origins.reload(&config.server.allowed_origins);
    }
}

/// Reads the settings again, and keeps those that are in force.
pub struct Reloader {
    file: Option<PathBuf>,
    in_force: Values,
    node: Option<LiveSettings>,
}

impl Reloader {
    /// With the settings in this file and the environment, as they were read.
    pub fn new(file: Option<PathBuf>, in_force: Values) -> Self {
        Self { file, in_force, node: None }
    }

    /// From now on this node takes over what changes.
    pub fn apply_to(&mut self, node: LiveSettings) {
        self.node = Some(node);
    }

    /// Reads the settings again, and logs what changed and what needs a restart.
    pub fn reload(&mut self) {
        let Some(node) = &self.node else {
            return warn!("SIGHUP: nothing was reloaded, the node is starting");
        };
        let loaded = Config::load_values(self.file.as_deref()).map_err(|error| error.to_string());
        let loaded = loaded.and_then(|(config, values)| match telemetry::set_filter(&config.log) {
            Ok(()) => Ok((config, values)),
            Err(error) => Err(format!("configuration: log.filter: {error}")),
        });
        let (config, values) = match loaded {
            Ok(loaded) => loaded,
            Err(reason) => return error!(reason, "SIGHUP: nothing was reloaded"),
        };
        let changed: Vec<String> = values.changed(&self.in_force).into_iter().map(str::to_owned).collect();
        let (reloaded, kept): (Vec<&str>, Vec<&str>) =
            changed.iter().map(String::as_str).partition(|name| is_reloaded(name));
        node.apply(&config, &reloaded);
        for name in &reloaded {
            self.in_force.take(name, &values);
        }
        match reloaded.is_empty() {
            true => info!("SIGHUP: no setting that can be reloaded has changed"),
            false => info!(settings = reloaded.join(", "), "SIGHUP: settings were reloaded"),
        }
        if !kept.is_empty() {
            warn!(settings = kept.join(", "), "these settings changed as well, but need a restart");
        }
    }
}

fn is_reloaded(name: &str) -> bool {
    RELOADED.iter().any(|start| name.starts_with(start)) && !FIXED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_reloaded_but_for_some() {
        for name in ["limits.enabled", "limits.sends_per_sec", "server.allowed_origins", "log.filter"] {
            assert!(is_reloaded(name), "{name}");
        }
        for name in FIXED.into_iter().chain(["log.format", "server.port", "auth.jwt_secret"]) {
            assert!(!is_reloaded(name), "{name}");
        }
    }
}
