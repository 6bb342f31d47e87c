//! The store over real files.

mod faults;
mod files;
mod inspecting;
mod keys;
mod ledger;
mod migrating;
mod model;
mod opening;
mod outbox;
mod registry;
mod scopes;
mod statistics;
mod tries;

use std::path::PathBuf;

use tempfile::TempDir;

use super::SqliteStore;
use crate::secret::MasterKey;
use crate::store::{LedgerQueries, LedgerRow, NewModel, OpenRow, RequestFilter};
use crate::store::{ProviderFields, ProviderWrite};
use crate::store::{RequestState, Settlement};
use crate::wire::{
    ConversationId, GatewayId, Protocols, ProviderId, ProviderLimits, RequestId, TimerSettings,
    Timestamp, Usage, UsageSource,
};

/// A database in a folder of its own, and its key.
struct Place {
    folder: TempDir,
    key: MasterKey,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            key: MasterKey::generate().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("nexus.db")
    }

    async fn open(&self) -> SqliteStore {
        let options = SqliteStore::options(self.path()).master_key(self.key.clone());
        options.open().await.unwrap()
    }
}

fn fields(name: &str) -> ProviderFields {
    ProviderFields {
        description: "about it".to_owned(),
        priority: -3,
        weight: 7,
        limits: ProviderLimits {
            max_concurrency: Some(8),
            timers: TimerSettings {
                connect_ms: Some(1),
                first_event_ms: None,
                idle_ms: Some(3),
            },
        },
        protocols: Some(Protocols::OPENAI),
        ..ProviderFields::new(name, "openai", "https://api.openai.com/v1")
    }
}

fn new_provider(name: &str, client_key: &str) -> ProviderWrite {
    // Whatever it is sealed with: the store does not open it.
    ProviderWrite::new(fields(name), &MasterKey::generate().unwrap())
        .with_server_key("sk-server-canary-0001")
        .with_client_key(client_key)
}

fn new_model(provider_id: ProviderId, name: &str) -> NewModel {
    NewModel {
        provider_id,
        model_name: name.to_owned(),
        upstream_model: Some(format!("{name}-upstream")),
        description: String::new(),
    }
}

/// The gateway that opens rows here.
const OWNER: GatewayId = GatewayId::from_bytes([7; 16]);

fn open_row(conversation: &str) -> OpenRow {
    OpenRow {
        request_id: RequestId::new(),
        owner: OWNER,
        conversation_id: conversation.parse::<ConversationId>().unwrap(),
        provider_id: ProviderId(1),
        provider: "OpenAI".into(),
        model: "gpt-4".into(),
        upstream_model: None,
        operation: "chat.completion",
        stream: true,
        started_at: Timestamp::now(),
        key_id: None,
        key: None,
        project_id: None,
    }
}

fn settlement(prompt_tokens: u64, completion_tokens: u64) -> Settlement {
    Settlement {
        state: RequestState::Completed,
        provider_id: ProviderId(1),
        provider: "OpenAI".into(),
        upstream_model: None,
        usage_source: UsageSource::Reported,
        usage: Usage {
            prompt_tokens,
            completion_tokens,
            total_tokens: prompt_tokens + completion_tokens,
            cached_tokens: 1,
            reasoning_tokens: 2,
        },
        status: Some(200),
        answered_by: None,
        upstream_status: None,
        attempts: 1,
        tries: None,
        first_token_ms: Some(12),
        duration_ms: 34,
        mark: None,
        error: None,
    }
}

async fn all_rows(store: &SqliteStore) -> Vec<LedgerRow> {
    let filter = RequestFilter::default();
    store.requests(filter, None, u32::MAX).await.unwrap()
}
