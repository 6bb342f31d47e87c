use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::SettingsError;
use super::address::Address;
use super::durability::LedgerDurability;
use super::flags::Flags;
use super::log_format::LogFormat;

/// The TOML file: every flag's long name is a key, with `_` or `-`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(alias = "admin-addr")]
    pub(super) admin_addr: Option<Address>,
    #[serde(alias = "api-addr")]
    pub(super) api_addr: Option<Address>,
    #[serde(alias = "admin-token")]
    pub(super) admin_token: Option<String>,
    pub(super) store: Option<String>,
    pub(super) durability: Option<LedgerDurability>,
    #[serde(alias = "data-dir")]
    pub(super) data_dir: Option<PathBuf>,
    #[serde(alias = "logs-dir")]
    pub(super) logs_dir: Option<PathBuf>,
    #[serde(alias = "messages-dir")]
    pub(super) messages_dir: Option<PathBuf>,
    #[serde(alias = "archive-messages")]
    pub(super) archive_messages: Option<bool>,
    #[serde(alias = "archive-retention-days")]
    pub(super) archive_retention_days: Option<u32>,
    #[serde(default, alias = "cors-origin", deserialize_with = "one_or_many")]
    pub(super) cors_origin: Option<Vec<String>>,
    #[serde(alias = "grok-proxies")]
    pub(super) grok_proxies: Option<String>,
    pub(super) strict: Option<bool>,
    pub(super) demo: Option<bool>,
    #[serde(alias = "drain-timeout")]
    pub(super) drain_timeout: Option<u64>,
    #[serde(alias = "max-body-mib")]
    pub(super) max_body_mib: Option<usize>,
    #[serde(alias = "max-body-memory-mib")]
    pub(super) max_body_memory_mib: Option<usize>,
    #[serde(alias = "max-open-requests")]
    pub(super) max_open_requests: Option<usize>,
    #[serde(alias = "max-socket-chats")]
    pub(super) max_socket_chats: Option<usize>,
    #[serde(alias = "log-level")]
    pub(super) log_level: Option<String>,
    #[serde(alias = "log-format")]
    pub(super) log_format: Option<LogFormat>,
    #[serde(alias = "log-max-mib")]
    pub(super) log_max_mib: Option<u64>,
    #[serde(alias = "log-retention-days")]
    pub(super) log_retention_days: Option<usize>,
}

impl File {
    /// The file named by `flags`, if any.
    pub(super) fn of(flags: &Flags) -> Result<Self, SettingsError> {
        match &flags.config {
            Some(path) => Self::read(path),
            None => Ok(Self::default()),
        }
    }

    fn read(path: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path).map_err(|cause| SettingsError::Unreadable {
            path: path.to_owned(),
            cause,
        })?;
        Self::parse(&text).map_err(|error| error.into_settings_error(path, &text))
    }

    pub(super) fn parse(text: &str) -> Result<Self, FileError> {
        let file = toml::Deserializer::parse(text).map_err(FileError::syntax)?;
        serde_path_to_error::deserialize(file).map_err(FileError::value)
    }
}

/// What is wrong with a file, without any value of it: it may be the token.
#[derive(Debug)]
pub(super) struct FileError {
    start: usize,
    pub(super) message: String,
}

impl FileError {
    fn syntax(error: toml::de::Error) -> Self {
        Self {
            start: error.span().map_or(0, |span| span.start),
            message: error.message().to_owned(),
        }
    }

    fn value(error: serde_path_to_error::Error<toml::de::Error>) -> Self {
        let key = error.path().to_string();
        let inner = error.into_inner();
        let reported = inner.message();
        let message = match reported.rsplit_once(", expected ") {
            // Lists the existing keys.
            _ if reported.starts_with("unknown field") => reported.to_owned(),
            // The text before these words may quote the value.
            Some((_, expected)) => format!("`{key}` must be {}", in_words(expected)),
            None => format!("`{key}`: {reported}"),
        };
        let start = inner.span().map_or(0, |span| span.start);
        Self { start, message }
    }

    fn into_settings_error(self, path: &Path, text: &str) -> SettingsError {
        let before = text.get(..self.start).unwrap_or_default();
        SettingsError::Invalid {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            message: self.message,
        }
    }
}

/// Serde's name of a type, in TOML's terms.
fn in_words(expected: &str) -> &str {
    match expected {
        "u32" | "u64" | "usize" => "a whole number, without quotes",
        "a boolean" => "true or false, without quotes",
        "a string" | "path string" => "a text in quotes",
        other => other,
    }
}

/// Reads a list, or a single value.
fn one_or_many<'de, D>(deserializer: D) -> Result<Option<Vec<String>>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "an origin or a list of origins")]
    enum Origins {
        One(String),
        Many(Vec<String>),
    }
    Ok(Some(match Origins::deserialize(deserializer)? {
        Origins::One(origin) => vec![origin],
        Origins::Many(origins) => origins,
    }))
}
