//! Settings as they were written, to tell which of them change.

use std::collections::BTreeMap;

use config::{ConfigError, Source, Value, ValueKind};

/// The text of each setting by its name, `section.key`. Secrets are among them, so only the names may be shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<String, String>);

impl Values {
    pub(super) fn of(sources: &config::Config) -> Result<Self, ConfigError> {
        let mut values = Self::default();
        for (section, value) in sources.collect()? {
            values.add(section, &value);
        }
        Ok(values)
    }

    fn add(&mut self, name: String, value: &Value) {
        match &value.kind {
            ValueKind::Table(table) => table.iter().for_each(|(key, value)| self.add(format!("{name}.{key}"), value)),
            _ => {
                self.0.insert(name, value.to_string());
            }
        }
    }

    /// The names of the settings that differ.
    pub fn changed<'a>(&'a self, other: &'a Self) -> Vec<&'a str> {
        let names = self.0.keys().filter(|name| self.0.get(*name) != other.0.get(*name));
        names.map(String::as_str).collect()
    }

    /// Takes over a setting.
    pub fn take(&mut self, name: &str, other: &Self) {
        if let Some(value) = other.0.get(name) {
            self.0.insert(name.to_owned(), value.clone());
        }
    }
}
