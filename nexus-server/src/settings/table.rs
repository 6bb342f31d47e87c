use serde::Serialize;
use serde_json::{Value, json};

use super::{LogFormat, Settings};
use nexus_lib::store::Durability;

impl Settings {
    /// The effective settings for the operator, by the flags' long names. It contains no secret:
    /// only whether tokens and keys are set.
    pub(crate) fn table(&self) -> impl Serialize {
        let origins = self.cors_origins.iter();
        let origins = origins.map(|origin| String::from_utf8_lossy(origin.as_bytes()));
        let messages = self.messages_dir.as_deref();
        let table: Value = json!({
            "admin_addr": self.admin_addr.to_string(),
            "api_addr": self.api_addr.to_string(),
            "store": format!("sqlite:{}", self.database.display()),
            "durability": match self.durability {
                Durability::Power => "power",
                _ => "process",
            },
            "data_dir": self.data_dir.display().to_string(),
            "logs_dir": self.logs_dir.display().to_string(),
            "archive_messages": messages.is_some(),
            "messages_dir": messages.map(|dir| dir.display().to_string()),
            "archive_retention_days": self.archive_retention_days,
            "master_key_from_environment": self.master_key.is_some(),
            "cors_origin": origins.collect::<Vec<_>>(),
            "strict": self.strict,
            "demo": self.demo,
            "drain_timeout_seconds": self.drain_timeout.as_secs(),
            "grok_proxies": self.grok_proxies.as_ref().map(ToString::to_string),
            "max_body_bytes": self.max_body_bytes,
            "max_body_memory_bytes": self.max_body_memory_bytes,
            "max_socket_chats": self.max_socket_chats,
            "max_open_requests": self.max_open_requests,
            "log_level": self.log_filter,
            "log_format": match self.log_format {
                LogFormat::Text => "text",
                LogFormat::Json => "json",
            },
            "log_max_bytes": self.log_max_bytes,
            "log_retention_days": self.log_retention_days,
        });
        table
    }
}
