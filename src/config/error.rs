//! Errors of settings, as one line that names the key and says what is expected.

use std::fmt::Display;

use config::ConfigError as Source;

/// A setting that is unknown, missing or invalid. Prints as one line that names the key and the reason.
#[derive(Debug, thiserror::Error)]
#[error("configuration: {0}")]
pub struct ConfigError(pub(super) String);

impl ConfigError {
    /// The key and the reason alone.
    pub fn reason(&self) -> &str {
        &self.0
    }
}

impl From<Source> for ConfigError {
    fn from(error: Source) -> Self {
        Self(line(&error))
    }
}

fn line(error: &Source) -> String {
    match error {
        Source::FileParse { uri, cause } => placed(uri.as_ref(), None, &outline(&cause.to_string())),
        Source::Type { origin, unexpected, expected, key } => {
            let reason = format!("must be {}, not {}", wanted(expected), found(unexpected));
            placed(key.as_ref(), origin.as_ref(), &reason)
        }
        Source::At { error, origin, key } => placed(key.as_ref(), origin.as_ref(), &line(error)),
        // What an entry of a list needs has no default.
        Source::NotFound(key) if key.contains('[') => placed(Some(key), None, "is missing"),
        // All other keys have defaults, so something that is not a table stands in place of the section.
        Source::NotFound(key) => placed(Some(key), None, "is missing, because its section is not one of settings"),
        other => reworded(&outline(&other.to_string())),
    }
}

/// The library's description of a value of a wrong type, in words for people.
fn reworded(text: &str) -> String {
    match text.split_once("invalid type: ").and_then(|(about, rest)| Some((about, rest.split_once(", expected ")?))) {
        Some((about, (unexpected, expected))) => {
            format!("{about}must be {}, not {}", wanted(expected), found(&unexpected))
        }
        None => text.to_owned(),
    }
}

/// The text of an error: the key or file that it is about, the reason, and the file that it is from.
fn placed(about: Option<&String>, from: Option<&String>, reason: &str) -> String {
    // The library writes the keys of entries of a list as `issuers[0]audience`.
    let about = about.map(|about| format!("{}: ", about.replace(']', "].").trim_end_matches('.').replace("..", ".")));
    let about = about.unwrap_or_default();
    let from = from.map(|from| format!(" (in {from})")).unwrap_or_default();
    format!("{about}{reason}{from}")
}

/// The first and the last line of a text. Between them the parser shows the line of the file, which may hold a secret.
fn outline(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    lines.next_back().map_or_else(|| first.to_owned(), |last| format!("{first}: {last}"))
}

/// What the library expects, in words for people.
fn wanted(expected: &str) -> &str {
    match expected {
        "an unsigned 16 bit integer" => "a whole number from 0 to 65535",
        "an unsigned 32 bit integer" => "a whole number from 0 to 4294967295",
        "an integer" => "a whole number",
        "an array" | "a sequence" => "a list",
        "a map" => "a section of settings",
        other if other.contains("unsigned") => "a whole number from 0",
        other if other.contains("signed") => "a whole number",
        other => other,
    }
}

/// The value that was found, as the library's message describes its type.
fn found(unexpected: &impl Display) -> String {
    let text = unexpected.to_string();
    match text.as_str() {
        "unit value" => "nothing".to_owned(),
        "sequence" => "a list".to_owned(),
        "map" => "a section".to_owned(),
        other => match other.strip_prefix("string ") {
            Some(quoted) => quoted.to_owned(),
            None => other.split('`').nth(1).unwrap_or(other).to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_parser_is_one_line_without_the_text_of_the_file() {
        let text = "TOML parse error at line 2, column 14\n  |\n2 | jwt_secret = \"hidden\n  |   ^\ninvalid string\n";
        let error = Source::FileParse { uri: Some("chinwag.toml".to_owned()), cause: text.into() };
        let expected = "configuration: chinwag.toml: TOML parse error at line 2, column 14: invalid string";
        assert_eq!(ConfigError::from(error).to_string(), expected);
    }
}
