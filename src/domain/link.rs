//! Addresses that clients turn into links and images. A scheme that runs or reads something on the reader's machine
//! never gets that far.

use url::Url;

use super::error::{Error, Result};
use super::field::Field;

/// Where uploads of this server are.
const OWN_UPLOADS: &str = "/uploads/";
/// Schemes that browsers or other programs execute, or that name something on the reader's machine.
const DANGEROUS: [&str; 14] = [
    "javascript",
    "vbscript",
    "livescript",
    "mocha",
    "data",
    "file",
    "blob",
    "filesystem",
    "view-source",
    "about",
    "jar",
    "intent",
    "ms-its",
    "mhtml",
];

/// Rejects everything but `http`, `https` and the path of an upload.
///
/// # Errors
/// `Invalid`.
pub fn check_link(field: Field, text: &str) -> Result<()> {
    let is_plain = !text.chars().any(|c| c.is_control() || c.is_whitespace());
    if is_plain && (is_web_address(text) || is_own_upload(text)) { Ok(()) } else { Err(Error::Invalid(field)) }
}

fn is_web_address(text: &str) -> bool {
    // Browsers take `https:host` and `https:\\host` for addresses as well; other programs do not.
    let has_host = ["http://", "https://"].iter().any(|start| starts_with(text, start));
    has_host && Url::parse(text).is_ok_and(|url| url.has_host())
}

fn is_own_upload(text: &str) -> bool {
    let resolved = Url::parse("http://own/").and_then(|own| own.join(text));
    text.starts_with(OWN_UPLOADS) && resolved.is_ok_and(|url| url.path().starts_with(OWN_UPLOADS))
}

/// Whether a text begins with a scheme that must not become a link, however a browser would read it: it skips control
/// characters and spaces before the scheme, and tabs and line breaks within.
pub(super) fn is_dangerous(text: &str) -> bool {
    let start = text.trim_start_matches(|c: char| c <= ' ' || c.is_whitespace());
    let scheme: String = start.chars().filter(|c| !c.is_ascii_control()).take_while(|c| *c != ':').take(16).collect();
    let has_colon = start.chars().filter(|c| !c.is_ascii_control()).nth(scheme.chars().count()) == Some(':');
    has_colon && DANGEROUS.contains(&scheme.to_ascii_lowercase().as_str())
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_the_web_or_to_own_uploads() {
        for good in ["https://example.com/a.png", "HTTP://例子.cn", "/uploads/images/a.png", "http://[::1]:8080/x?y#z"]
        {
            assert!(check_link(Field::File, good).is_ok(), "{good}");
        }
        let bad = [
            "",
            "x",
            "//example.com",
            "https://",
            "https:example.com",
            "/uploads/../docs",
            "/uploads\\..\\x",
            "/etc",
            "ftp://example.com",
            "https://a b",
            "https://a\n",
            "uploads/a.png",
            "/uploads/%2e%2e/x",
            "http://exa\tmple",
        ];
        for bad in bad {
            assert!(check_link(Field::File, bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn dangerous_schemes_are_recognised_as_browsers_read_them() {
        for bad in [
            "javascript:alert(1)",
            " \u{1}JaVaScRiPt:x",
            "java\tscr\nipt:x",
            "data:text/html,x",
            "vbscript:x",
            "FILE:///",
        ] {
            assert!(is_dangerous(bad), "{bad:?}");
        }
        for good in ["", "javascript", "see data: none", "https://x/javascript:", "数据:", "note: data"] {
            assert!(!is_dangerous(good), "{good:?}");
        }
    }
}
