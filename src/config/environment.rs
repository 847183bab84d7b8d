//! Settings in environment variables: `CHINWAG_<SECTION>__<KEY>`.
//!
//! Other variables that begin with `CHINWAG_` are not ours. Kubernetes injects `CHINWAG_SERVICE_HOST`, `CHINWAG_PORT` and
//! more for a Service named `chinwag`.

use std::collections::HashMap;
use std::ffi::OsString;

use config::{Environment, File, FileFormat, Value};

use super::{ConfigError, DEFAULTS};

const PREFIX: &str = "CHINWAG";
const SEPARATOR: &str = "__";

/// The settings among environment variables.
///
/// # Errors
/// Names the variable that has the form of a setting but is not one, or whose value is not Unicode.
pub(super) fn source(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Environment, ConfigError> {
    let defaults = config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml)).build();
    let defaults = defaults?;
    let mut settings = HashMap::new();
    for (name, value) in variables {
        let Some(name) = name.to_str() else { continue };
        let Some(key) = key_of(name) else { continue };
        if defaults.get::<Value>(&key).is_err() {
            return Err(ConfigError(format!("{name}: there is no setting {key}; config/default.toml lists all")));
        }
        let value = value.into_string().map_err(|_| ConfigError(format!("{name}: the value is not Unicode")))?;
        settings.insert(name.to_owned(), value);
    }
    Ok(Environment::with_prefix(PREFIX).prefix_separator("_").separator(SEPARATOR).source(Some(settings)))
}

/// The setting that a variable names, as `section.key`.
fn key_of(name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let rest = name.strip_prefix(&PREFIX.to_ascii_lowercase())?.strip_prefix('_')?;
    rest.contains(SEPARATOR).then(|| rest.replace(SEPARATOR, "."))
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    fn load(variables: &[(&str, &str)]) -> Result<Config, String> {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        Config::load_with(None, variables).map(|(config, _)| config).map_err(|error| error.to_string())
    }

    #[test]
    fn variables_of_a_kubernetes_service_are_ignored() {
        let config = load(&[
            ("CHINWAG_SERVICE_HOST", "10.0.0.1"),
            ("CHINWAG_SERVICE_PORT", "8000"),
            ("CHINWAG_SERVICE_PORT_HTTP", "8000"),
            ("CHINWAG_PORT", "tcp://10.0.0.1:8000"),
            ("CHINWAG_PORT_8000_TCP", "tcp://10.0.0.1:8000"),
            ("CHINWAG_PORT_8000_TCP_PROTO", "tcp"),
            ("CHINWAG_SERVER_PORT", "tcp://10.0.0.2:8000"), // of a Service named chinwag-server
            ("CHINWAG_SERVER__PORT", "8001"),
        ]);
        assert_eq!(config.map(|config| config.server.port), Ok(8001));
    }

    #[test]
    fn a_misspelt_setting_is_refused_by_its_name() {
        for name in [
            "CHINWAG_SERVR__PORT",
            "CHINWAG_SERVER__PROT",
            "CHINWAG_SERVER__PORT__X",
            "CHINWAG_SERVER__",
            "CHINWAG___PORT",
            "chinwag_server__prot",
        ] {
            let error = load(&[(name, "8001")]).expect_err(name);
            assert!(error.contains(name) && !error.contains('\n'), "{error:?}");
        }
    }

    #[test]
    fn a_wrong_value_is_refused_by_its_key() {
        let error = load(&[("CHINWAG_SERVER__PORT", "eight")]).expect_err("no number");
        assert!(error.contains("port") && !error.contains('\n'), "{error:?}");
    }
}
