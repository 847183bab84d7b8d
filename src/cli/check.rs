//! `chinwag check`: checks everything that a node needs.

use std::process::ExitCode;

use super::{EXIT_FAILURE, print_lines};
use crate::config::{Config, ConfigError};
use crate::node::{self, Finding, Verdict};

/// Prints one line per result, and fails if something is wrong.
pub(super) async fn run(config: Result<Config, ConfigError>) -> ExitCode {
    let findings = match config {
        Ok(config) => node::check(&config).await,
        Err(error) => vec![Finding::of_invalid_configuration(error.reason())],
    };
    let is_wrong = findings.iter().any(|finding| finding.verdict == Verdict::Wrong);
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let printed = print_lines(&lines);
    if is_wrong { ExitCode::from(EXIT_FAILURE) } else { printed }
}
