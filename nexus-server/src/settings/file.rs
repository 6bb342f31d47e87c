use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::SettingsError;
use super::address::Address;
use super::durability::Outlives;
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
    pub(super) durability: Option<Outlives>,
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
    #[serde(alias = "max-open-requests")]
    pub(super) max_open_requests: Option<usize>,
    #[serde(alias = "max-socket-chats")]
    pub(super) max_socket_chats: Option<usize>,
    #[serde(alias = "log-level")]
    pub(super) log_level: Option<String>,
    #[serde(alias = "log-format")]
    pub(super) log_format: Option<LogFormat>,
    #[serde(alias = "log-retention-days")]
    pub(super) log_retention_days: Option<usize>,
}

impl File {
    pub(super) fn read(path: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path).map_err(|cause| SettingsError::Unreadable {
            path: path.to_owned(),
            cause,
        })?;
        Self::parse(&text).map_err(|error| {
            // The error's own `Display` shows the line itself, which may hold the token.
            let start = error.span().map_or(0, |span| span.start);
            let before = text.get(..start).unwrap_or_default();
            SettingsError::Invalid {
                path: path.to_owned(),
                line: before.matches('\n').count() + 1,
                message: error.message().to_owned(),
            }
        })
    }

    pub(super) fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

/// Reads a list, or one value alone.
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
