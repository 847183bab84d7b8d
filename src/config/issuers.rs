//! Issuers of tokens whose users have an account of their own here.

use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::MIN_SECRET_BYTES;
use super::words::{KeyKind, SigningAlgorithm};

/// Maximum number of issuers.
pub(super) const MAX_ISSUERS: usize = 16;
/// Number of bytes at the beginning of a public key that contain its kind.
const KIND_WITHIN_BYTES: usize = 32;

/// An issuer of tokens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table of settings")]
pub struct IssuerConfig {
    /// The claim `iss` of its tokens.
    pub issuer: String,
    /// What the claim `aud` of its tokens must be or contain.
    pub audience: String,
    /// The one algorithm by which its tokens are signed.
    pub algorithm: SigningAlgorithm,
    /// Its public key in PEM format.
    #[serde(default)]
    pub public_key: String,
    /// The address where it publishes its public keys (JWKS); they are fetched.
    #[serde(default)]
    pub jwks_url: String,
    /// The secret that it shares with this server.
    #[serde(default)]
    pub secret: SecretString,
    /// The claim with the user's name.
    #[serde(default = "name")]
    pub name_claim: String,
}

fn name() -> String {
    "name".to_owned()
}

impl IssuerConfig {
    /// The key that checks its tokens: the shared secret, or the public key in DER format.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn key(&self) -> Result<Vec<u8>, &'static str> {
        let secret = self.secret.expose_secret().as_bytes();
        let Some(kind) = self.algorithm.key.identifiers() else {
            let has_public_key = !self.public_key.is_empty() || !self.jwks_url.is_empty();
            return match (!has_public_key, secret.len() >= MIN_SECRET_BYTES) {
                (false, _) => Err("algorithms that begin with HS take a secret, and neither public_key nor jwks_url"),
                (true, false) => Err("secret must have at least 32 bytes"),
                (true, true) => Ok(secret.to_vec()),
            };
        };
        if !secret.is_empty() {
            return Err("only algorithms that begin with HS take a secret");
        }
        if self.public_key.is_empty() {
            return Err("public_key (-----BEGIN PUBLIC KEY-----) or jwks_url is required");
        }
        let key = SubjectPublicKeyInfoDer::from_pem_slice(self.public_key.as_bytes())
            .map_err(|_| "public_key must be in PEM format and begin with -----BEGIN PUBLIC KEY-----")?;
        let start = key.get(..KIND_WITHIN_BYTES).unwrap_or(&key);
        let fits = start.windows(kind.len()).any(|part| part == kind);
        if fits { Ok(key.to_vec()) } else { Err("public_key is of another kind than the algorithm") }
    }

    fn fault_of_address(&self) -> Option<&'static str> {
        if !self.public_key.is_empty() {
            return Some("public_key and jwks_url exclude each other");
        }
        if !self.secret.expose_secret().is_empty() {
            return Some("only algorithms that begin with HS take a secret");
        }
        let is_address = Url::parse(&self.jwks_url).is_ok_and(|url| {
            let has_credentials = !url.username().is_empty() || url.password().is_some();
            matches!(url.scheme(), "http" | "https") && !has_credentials && url.port() != Some(0)
        });
        (!is_address).then_some("jwks_url must begin with https:// or http://, and contain no user name or password")
    }

    /// What is wrong with it, if anything is.
    pub(super) fn fault(&self) -> Option<&'static str> {
        match self {
            Self { issuer, .. } if issuer.is_empty() => Some("issuer must not be empty"),
            Self { audience, .. } if audience.is_empty() => Some("audience must not be empty"),
            Self { name_claim, .. } if name_claim.is_empty() => Some("name_claim must not be empty"),
            Self { jwks_url, .. } if jwks_url.is_empty() || self.algorithm.key == KeyKind::Secret => self.key().err(),
            Self { .. } => self.fault_of_address(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::with_file;

    #[test]
    fn errors_of_issuers_say_what_is_wrong() {
        let public_key = "public_key = \"\"\"\n-----BEGIN PUBLIC KEY-----\n\
            MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\"\"\"";
        let secret = "secret = \"0123456789012345678901234567890123\"";
        let with = |algorithm: &str, rest: &str| {
            let issuer = "[[auth.issuers]]\nissuer = \"https://id.example\"\naudience = \"chat\"";
            let own = "[auth]\njwt_secret = \"9876543210987654321098765432109876\"\n\
            jwt_secret_previous = \"former 9876543210987654321098765432\"";
            with_file(&format!("{own}\n{issuer}\nalgorithm = \"{algorithm}\"\n{rest}"))
        };
        let address = "jwks_url = \"https://id.example/keys\"";
        let both = format!("{public_key}\n{address}");
        let good =
            [("EdDSA", public_key), ("HS256", secret), ("HS512", secret), ("RS256", address), ("ES384", address)];
        for (algorithm, rest) in good {
            assert_eq!(with(algorithm, rest).map(|config| config.auth.issuers.len()).ok(), Some(1), "{algorithm}");
        }
        for (algorithm, rest, expected) in [
            ("none", secret, "must be HS256 or"),
            ("HS256", public_key, "take a secret, and neither public_key"),
            ("HS256", address, "take a secret, and neither public_key"),
            ("EdDSA", &both, "exclude each other"),
            ("EdDSA", "jwks_url = \"id.example/keys\"", "jwks_url must begin with https://"),
            ("EdDSA", "jwks_url = \"file:///etc/passwd\"", "jwks_url must begin with https://"),
            ("EdDSA", "jwks_url = \"https://a:b@id.example/\"", "no user name or password"),
            ("EdDSA", "jwks_url = \"https://id.example/\"\nsecret = \"x\"", "only algorithms that begin with HS"),
            ("HS256", "secret = \"short\"", "at least 32 bytes"),
            ("HS256", "", "at least 32 bytes"),
            ("HS256", "secret = \"9876543210987654321098765432109876\"", "must not be auth.jwt_secret"),
            ("EdDSA", secret, "only algorithms that begin with HS"),
            ("EdDSA", "", "-----BEGIN PUBLIC KEY-----"),
            ("EdDSA", "public_key = \"x\"", "-----BEGIN PUBLIC KEY-----"),
            ("RS256", public_key, "of another kind"),
            ("ES256", public_key, "of another kind"),
            ("HS256", "secret = \"0123456789012345678901234567890123\"\nname_claim = \"\"", "name_claim"),
            ("HS256", "secret = \"0123456789012345678901234567890123\"\njwks = \"x\"", "jwks"),
        ] {
            let error = with(algorithm, rest).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(expected) && !error.contains('\n'), "{algorithm} {rest}: {error}");
            assert!(!error.contains("9876543210"), "{error}");
        }
    }
}
