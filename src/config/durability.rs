//! What must have received a write before it is acknowledged.

use serde::Deserialize;

/// What must have received a write before it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Durability {
    /// The server alone.
    Server,
    /// The server and at least this number of its replicas.
    Replicas(u8),
}

impl Durability {
    /// Number of replicas that must have received a write.
    pub fn replicas(self) -> u8 {
        match self {
            Self::Server => 0,
            Self::Replicas(count) => count,
        }
    }
}

impl TryFrom<String> for Durability {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "server" => Ok(Self::Server),
            "replicas:1" => Ok(Self::Replicas(1)),
            "replicas:2" => Ok(Self::Replicas(2)),
            _ => Err("must be server or replicas:1 or replicas:2"),
        }
    }
}
