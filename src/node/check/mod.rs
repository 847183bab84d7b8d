//! `chinwag check`: checks everything that a node needs without starting one. The start itself runs the local part.

mod http;
mod issuers;
mod local;
mod proxy;
mod redis;

use std::fmt;

use tracing::warn;

use super::exposure;
use crate::config::Config;
use crate::domain::Error;

/// How a finding is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it should be.
    Good,
    /// It deserves a thought.
    Doubtful,
    /// Something does not work, or messages may be lost.
    Wrong,
}

/// The result of one check. Prints as one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about, as `redis memory`.
    pub about: &'static str,
    /// How it is meant.
    pub verdict: Verdict,
    /// What was found.
    pub text: String,
}

impl Finding {
    fn new(about: &'static str, verdict: Verdict, text: impl Into<String>) -> Self {
        // An error of the system or of a server may have several lines.
        let text: String = text.into().split_whitespace().collect::<Vec<_>>().join(" ");
        Self { about, verdict, text }
    }

    fn good(about: &'static str, text: impl Into<String>) -> Self {
        Self::new(about, Verdict::Good, text)
    }

    fn doubtful(about: &'static str, text: impl Into<String>) -> Self {
        Self::new(about, Verdict::Doubtful, text)
    }

    fn wrong(about: &'static str, text: impl Into<String>) -> Self {
        Self::new(about, Verdict::Wrong, text)
    }

    /// The result for an invalid configuration: nothing else can be checked.
    pub fn of_invalid_configuration(reason: &str) -> Self {
        Self::wrong("configuration", reason)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.verdict {
            Verdict::Good => "ok",
            Verdict::Doubtful => "warn",
            Verdict::Wrong => "FAIL",
        };
        write!(f, "{mark:<5} {}: {}", self.about, self.text)
    }
}

/// Checks the machine, Redis and the proxy for a node with a valid configuration. Leaves no change behind.
pub async fn check(config: &Config) -> Vec<Finding> {
    let mut findings = vec![configuration(config)];
    findings.extend(exposure::careless(config).into_iter().map(|risk| Finding::doubtful("configuration", risk)));
    findings.push(local::address(config));
    findings.extend(local::check(config).await);
    findings.extend(issuers::check(config).await);
    findings.extend(redis::check(config).await);
    findings.extend(proxy::check(config).await);
    findings
}

fn configuration(config: &Config) -> Finding {
    match super::telemetry::check_filter(&config.log) {
        Ok(()) => Finding::good("configuration", "every setting is valid"),
        Err(error) => Finding::wrong("configuration", format!("log.filter: {error}")),
    }
}

/// The cause of an error, which its own text does not contain.
fn reason(error: &Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// Warns at start of what the machine lacks.
pub(super) async fn warn_of_local_faults(config: &Config) {
    for Finding { about, verdict, text } in local::check(config).await {
        if verdict != Verdict::Good {
            warn!("{about}: {text}");
        }
    }
}
