//! Settings: the documented defaults compiled in, a TOML file over them, the environment over both.
//! Never reads anything else, so `tributary.default.toml` is the whole truth.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;
use toml::{Table, Value};

/// The documented defaults, also the list of every key there is.
pub const DEFAULTS: &str = include_str!("../tributary.default.toml");

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub data_dir: PathBuf,
    pub secret_key: secrecy::SecretString,
    pub http: Http,
    pub collector: Collector,
    pub store: Store,
    pub control: Control,
    pub inbox: Inbox,
    pub pixel: Pixel,
    pub attribution: Attribution,
    pub poll: Poll,
    pub outbound: Outbound,
    pub rates: Rates,
    pub mail: Mail,
    pub log: Log,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    pub listen: String,
    pub public_url: String,
    pub dashboard_url: String,
    pub trusted_proxies: Vec<String>,
    pub forwarded_header: String,
    pub webhook_body_bytes_max: usize,
    pub head_timeout_ms: u64,
    pub body_timeout_ms: u64,
    pub idle_timeout_ms: u64,
    pub answer_timeout_ms: u64,
    pub connections_max: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collector {
    pub body_bytes_max: usize,
    pub hit_bytes_max: usize,
    pub list_hits_max: usize,
    pub address_hits_per_second: u32,
    pub address_hits_burst: u32,
    pub limit_private_addresses: bool,
    pub workspace_hits_per_second: u32,
    pub workspace_hits_burst: u32,
    pub hits_remembered: usize,
    pub header_signals: bool,
    pub data_center_networks: Vec<String>,
    pub data_center_file: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub url: String,
    pub user: String,
    pub password: secrecy::SecretString,
    pub database: String,
    pub cluster: String,
    pub connect_timeout_ms: u64,
    pub insert_timeout_ms: u64,
    pub answer_timeout_ms: u64,
    pub library: PathBuf,
    pub memory_bytes_max: u64,
    pub query_memory_bytes_max: u64,
    pub query_seconds_max: u64,
    pub mark_cache_bytes_max: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    pub url: secrecy::SecretString,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inbox {
    pub bytes_max: u64,
    pub keep_hours: u64,
    pub flush_hits_max: u64,
    pub flush_interval_ms: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pixel {
    pub dir: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribution {
    pub window_days: u32,
    pub interval_ms: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    pub interval_minutes: u32,
    pub requests_per_minute: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbound {
    pub allowed_networks: Vec<String>,
    pub delivery_timeout_ms: u64,
    pub disable_after_days: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    pub url: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    pub url: secrecy::SecretString,
    pub from: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub filter: String,
    pub format: String,
}

#[derive(Debug, Error)]
pub enum ConfigError {
    #[error("cannot read {path}: {source}; give an existing file with --config, or none")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{path} is not valid TOML: {source}")]
    NotToml { path: PathBuf, source: toml::de::Error },
    #[error("{name} must be {expected}, not {found:?}")]
    Environment { name: String, expected: &'static str, found: String },
    #[error("configuration: {0}; tributary.default.toml documents every key")]
    Invalid(#[from] toml::de::Error),
}

impl Http {
    /// Where people and providers reach the server: `dashboard_url`, or `public_url` when that is empty.
    pub fn own_url(&self) -> &str {
        if self.dashboard_url.is_empty() { &self.public_url } else { &self.dashboard_url }
    }
}

impl Config {
    /// Reads the defaults, then `file` (or `tributary.toml` when it exists), then the environment.
    pub fn load(file: Option<&Path>, env: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        let mut settings: Table = toml::from_str(DEFAULTS).expect("the compiled-in defaults are TOML");
        let found = match file {
            Some(path) => Some(path.to_owned()),
            None => Some(PathBuf::from("tributary.toml")).filter(|p| p.exists()),
        };
        if let Some(path) = found {
            let text = std::fs::read_to_string(&path)
                .map_err(|source| ConfigError::Unreadable { path: path.clone(), source })?;
            let table: Table =
                toml::from_str(&text).map_err(|source| ConfigError::NotToml { path, source })?;
            overlay(&mut settings, table);
        }
        overlay_environment(&mut settings, "TRIBUTARY", &env)?;
        Ok(settings.try_into()?)
    }

    /// The defaults alone, with data under `data_dir` and no way to a bank: what tests start from.
    pub fn for_data_dir(data_dir: &Path) -> Config {
        let mut config = Config::load(None, |_| None).expect("the compiled-in defaults are valid");
        config.data_dir = data_dir.to_owned();
        config.rates.url.clear();
        config
    }
}

fn overlay(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => overlay(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

fn overlay_environment(
    table: &mut Table,
    prefix: &str,
    env: &impl Fn(&str) -> Option<String>,
) -> Result<(), ConfigError> {
    for (key, value) in table.iter_mut() {
        let name = format!("{prefix}_{}", key.to_uppercase());
        if let Value::Table(inner) = value {
            overlay_environment(inner, &name, env)?;
        } else if let Some(text) = env(&name) {
            *value = parse_like(value, &text).ok_or_else(|| ConfigError::Environment {
                name,
                expected: expected(value),
                found: text,
            })?;
        }
    }
    Ok(())
}

fn parse_like(default: &Value, text: &str) -> Option<Value> {
    Some(match default {
        Value::Integer(_) => Value::Integer(text.trim().parse().ok()?),
        Value::Boolean(_) => Value::Boolean(text.trim().parse().ok()?),
        Value::Array(_) => {
            Value::Array(text.split(',').map(str::trim).filter(|s| !s.is_empty()).map(|s| s.into()).collect())
        }
        _ => Value::String(text.to_owned()),
    })
}

fn expected(default: &Value) -> &'static str {
    match default {
        Value::Integer(_) => "a whole number",
        Value::Boolean(_) => "true or false",
        _ => "text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_overrides_file_and_default() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("t.toml");
        std::fs::write(&file, "[store]\nurl = \"http://a:1\"\ndatabase = \"x\"\n").unwrap();
        let env = |name: &str| (name == "TRIBUTARY_STORE_URL").then(|| "http://b:2".to_owned());
        let config = Config::load(Some(&file), env).unwrap();
        assert_eq!((config.store.url.as_str(), config.store.database.as_str()), ("http://b:2", "x"));
    }

    #[test]
    fn a_file_from_before_a_section_or_a_key_existed_gets_their_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("t.toml");
        let defaults: Table = toml::from_str(DEFAULTS).unwrap();
        let load = |table: &Table| {
            std::fs::write(&file, toml::to_string(table).unwrap()).unwrap();
            Config::load(Some(&file), |_| None).map(|config| format!("{config:?}"))
        };
        let whole = load(&defaults).unwrap();
        let sections = defaults.iter().filter_map(|(name, value)| Some((name, value.as_table()?)));
        for (section, keys) in sections {
            let mut older = defaults.clone();
            older.remove(section);
            assert_eq!(load(&older).unwrap(), whole, "without [{section}]");
            for key in keys.keys() {
                let mut partial = keys.clone();
                partial.remove(key);
                let mut older = defaults.clone();
                older.insert(section.clone(), Value::Table(partial));
                assert_eq!(load(&older).unwrap(), whole, "without {section}.{key}");
            }
        }
        std::fs::write(&file, "[rates]\nurl = \"\"\n").unwrap();
        let off = Config::load(Some(&file), |_| None).unwrap();
        assert_eq!((off.rates.url.as_str(), off.poll.interval_minutes), ("", 60));
    }

    #[test]
    fn people_reach_the_dashboard_at_its_own_address_or_at_the_public_one() {
        let mut http = Config::for_data_dir(Path::new("x")).http;
        http.public_url = "https://www.example.com/t".into();
        assert_eq!(http.own_url(), "https://www.example.com/t");
        http.dashboard_url = "https://tributary.example.com".into();
        assert_eq!(http.own_url(), "https://tributary.example.com");
    }

    #[test]
    fn unknown_keys_and_wrong_types_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("t.toml");
        std::fs::write(&file, "[store]\nurll = \"x\"\n").unwrap();
        assert!(Config::load(Some(&file), |_| None).unwrap_err().to_string().contains("urll"));
        let env = |name: &str| (name == "TRIBUTARY_INBOX_KEEP_HOURS").then(|| "soon".to_owned());
        let message = Config::load(None, env).unwrap_err().to_string();
        assert!(message.contains("TRIBUTARY_INBOX_KEEP_HOURS") && message.contains("whole number"));
    }
}
