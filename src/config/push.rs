//! Settings for notifications without a window.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// Contact of a server that has none.
const NOBODY: &str = "mailto:nobody@chinwag.invalid";

/// Settings for notifications without a window.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section of settings")]
pub struct PushConfig {
    /// Whether there are any.
    pub enabled: bool,
    /// The private key that identifies the server to push services; empty for the one in Redis.
    pub key: SecretString,
    /// Whom a push service may write to; empty for the server's own address.
    pub contact: String,
}

impl PushConfig {
    /// The reason why the settings are not valid.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let key = self.key.expose_secret();
        // 32 bytes as base64url.
        let is_key = key.len() == 43 && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !key.is_empty() && !is_key {
            return Some("push.key must be a key that `chinwag push-key` printed");
        }
        let is_contact = self.contact.is_empty()
            || self.contact.starts_with("https://")
            || (self.contact.starts_with("mailto:") && self.contact.contains('@'));
        (!is_contact).then_some("push.contact must be an address that begins with mailto: or https://")
    }

    /// Whom a push service may write to.
    pub fn contact<'a>(&'a self, public_url: &'a str) -> &'a str {
        match self.contact.as_str() {
            "" if public_url.starts_with("https://") => public_url,
            "" => NOBODY,
            contact => contact,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::with_file;

    #[test]
    fn errors_name_the_key_of_the_invalid_setting() {
        for (text, key) in [("key = \"short\"", "push.key"), ("contact = \"me\"", "push.contact")] {
            let error = with_file(&format!("[push]\n{text}")).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(key), "{text:?} gave {error:?}");
        }
    }

    #[test]
    fn a_server_with_an_address_of_its_own_is_its_own_contact() {
        let push = with_file("").expect("valid").push;
        assert_eq!(push.contact("https://chat.example"), "https://chat.example");
        assert_eq!(push.contact("http://chat.example"), "mailto:nobody@chinwag.invalid");
        let push = with_file("[push]\ncontact = \"mailto:a@b.example\"").expect("valid").push;
        assert_eq!(push.contact("https://chat.example"), "mailto:a@b.example");
    }
}
