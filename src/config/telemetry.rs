//! Settings for traces.

use serde::Deserialize;

/// Settings for traces.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section of settings")]
pub struct TelemetryConfig {
    /// Address of the collector; empty for no traces.
    pub endpoint: String,
    /// Share of the requests that are sampled where the caller has not decided.
    pub sample_share: f64,
    /// Name of the service in traces.
    pub service_name: String,
}

impl TelemetryConfig {
    /// The reason why the settings are not valid.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let is_set = !self.endpoint.is_empty();
        if is_set && !cfg!(feature = "otel") {
            return Some("telemetry.endpoint: this build has no OpenTelemetry: build with --features otel");
        }
        if is_set && !super::checks::is_web_address(&self.endpoint) {
            return Some("telemetry.endpoint must begin with http:// or https://");
        }
        if !(0.0..=1.0).contains(&self.sample_share) {
            return Some("telemetry.sample_share must be between 0 and 1");
        }
        self.service_name.is_empty().then_some("telemetry.service_name must not be empty")
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::with_file;

    #[test]
    fn errors_name_the_key_of_the_invalid_setting() {
        let scheme = if cfg!(feature = "otel") { "must begin with http://" } else { "build with --features otel" };
        for (text, expected) in [
            ("endpoint = \"collector:4318\"", scheme),
            ("sample_share = 1.5", "telemetry.sample_share must be between 0 and 1"),
            ("sample_share = nan", "telemetry.sample_share must be between 0 and 1"),
            ("sample_share = \"most\"", "telemetry.sample_share: must be a"),
            ("service_name = \"\"", "telemetry.service_name"),
        ] {
            let error = with_file(&format!("[telemetry]\n{text}")).err();
            let error = error.map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(expected), "{text:?} gave {error:?}");
        }
        let endpoint = "[telemetry]\nendpoint = \"http://127.0.0.1:4318\"\nsample_share = 1";
        assert_eq!(with_file(endpoint).is_ok(), cfg!(feature = "otel"));
    }
}
