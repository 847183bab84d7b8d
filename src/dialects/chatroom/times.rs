//! Times in the form of document 003: seconds, in UTC with `Z`, or in a configured zone without offset.

use jiff::tz::TimeZone;

use crate::config::Config;
use crate::dialects::common::{utc_seconds, whole_second};

/// Prints times.
#[derive(Clone, Debug, Default)]
pub(super) struct Times {
    naive: Option<TimeZone>,
}

impl Times {
    /// Prints in the configured zone without offset, or in UTC with `Z` if none is configured.
    pub(super) fn of(config: &Config) -> Self {
        Self { naive: TimeZone::get(&config.chatroom.naive_timezone).ok() }
    }

    /// `2024-01-15T10:30:00Z`, or `2024-01-15T18:30:00` in a naive zone.
    pub(super) fn print(&self, at_ms: u64) -> String {
        match &self.naive {
            None => utc_seconds(at_ms),
            Some(zone) => whole_second(at_ms).to_zoned_datetime(zone.clone()).datetime().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_have_whole_seconds() {
        let at_ms = 1_705_314_600_999;
        assert_eq!(Times::default().print(at_ms), "2024-01-15T10:30:00Z");
        let shanghai = TimeZone::get("Asia/Shanghai").expect("a zone");
        assert_eq!(Times { naive: Some(shanghai) }.print(at_ms), "2024-01-15T18:30:00");
    }
}
