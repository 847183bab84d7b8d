//! Addresses of other servers, to which requests are sent.

use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, Url};

use super::{Error, Field};

const MAX_BYTES: usize = 2000;

/// An address with `http` or `https` and a host. It has no user name or password, which would go into logs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint(Url);

impl Endpoint {
    /// The whole address.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host, for logs: paths of such addresses are often secrets.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The IP address that the host is, however it is written; `None` for a name.
    pub fn literal_address(&self) -> Option<IpAddr> {
        match self.0.host()? {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        }
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Whether connections to it are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = || Error::Invalid(Field::Url);
        if text.len() > MAX_BYTES {
            return Err(invalid());
        }
        let mut url = Url::parse(text).map_err(|_| invalid())?;
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        if !matches!(url.scheme(), "http" | "https") || has_credentials || url.port() == Some(0) {
            return Err(invalid());
        }
        url.set_fragment(None);
        Ok(Self(url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_addresses_without_credentials_are_taken() {
        for (text, expected) in [
            ("https://example.org", "https://example.org/"),
            ("HTTPS://Example.org:443/a?b=c#d", "https://example.org/a?b=c"),
            ("http://[::1]:8000/", "http://[::1]:8000/"),
            ("https://例え.jp/", "https://xn--r8jz45g.jp/"),
        ] {
            assert_eq!(text.parse::<Endpoint>().expect(text).as_str(), expected);
        }
        let long = format!("https://example.org/{}", "a".repeat(MAX_BYTES));
        for text in [
            "",
            "example.org",
            "/a",
            "ftp://example.org",
            "file:///etc/passwd",
            "https://",
            "https://u:p@a.b/",
            "https://u@a.b/",
            "https://a.b:0/",
            &long,
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }

    #[test]
    fn literal_addresses_are_recognised_in_every_notation() {
        for text in ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.1.", "１２７.0.0.1"] {
            let endpoint: Endpoint = format!("http://{text}/").parse().expect(text);
            assert_eq!(endpoint.literal_address(), Some(IpAddr::from([127, 0, 0, 1])), "{text}");
        }
        let mapped: Endpoint = "http://[::ffff:127.0.0.1]/".parse().expect("an address");
        assert_eq!(mapped.literal_address().map(|address| address.to_canonical()), Some(IpAddr::from([127, 0, 0, 1])));
        let named: Endpoint = "http://localhost/".parse().expect("an address");
        assert_eq!((named.literal_address(), named.host()), (None, "localhost"));
    }
}
