use http::{Response, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;

use crate::error::Result;
use crate::http::admin::json_in::{object, required};
use crate::http::admin::views::{ProviderList, ProviderView};
use crate::http::{Body, respond};
use crate::registry::Registry;
use crate::store::{NewProvider, ProviderRecord, ProviderUpdate};
use crate::wire::ProviderId;

/// A provider as clients write it. Not `Debug`: it holds keys.
#[derive(Deserialize)]
struct ProviderInput {
    name: Option<String>,
    kind: Option<String>,
    server_url: Option<String>,
    server_key: Option<String>,
    personalized_key: Option<String>,
    description: Option<String>,
    proxy_url: Option<String>,
    enabled: Option<bool>,
    priority: Option<i32>,
    weight: Option<u32>,
}

impl ProviderInput {
    fn into_new(self) -> Result<NewProvider> {
        Ok(NewProvider {
            name: required(self.name, "name")?,
            server_url: required(self.server_url, "server_url")?,
            server_key: required(self.server_key, "server_key")?.into(),
            personalized_key: required(self.personalized_key, "personalized_key")?.into(),
            // An empty kind is for the registry to infer from the URL.
            kind: self.kind.unwrap_or_default(),
            description: self.description.unwrap_or_default(),
            proxy_url: self.proxy_url,
            enabled: self.enabled.unwrap_or(DEFAULT_ENABLED),
            priority: self.priority.unwrap_or(DEFAULT_PRIORITY),
            weight: self.weight.unwrap_or(DEFAULT_WEIGHT),
        })
    }

    fn into_update(self) -> Result<ProviderUpdate> {
        Ok(ProviderUpdate {
            name: required(self.name, "name")?,
            server_url: required(self.server_url, "server_url")?,
            server_key: self.server_key.map(SecretString::from),
            personalized_key: self.personalized_key.map(SecretString::from),
            kind: self.kind.unwrap_or_default(),
            description: self.description.unwrap_or_default(),
            proxy_url: self.proxy_url,
            enabled: self.enabled.unwrap_or(DEFAULT_ENABLED),
            priority: self.priority.unwrap_or(DEFAULT_PRIORITY),
            weight: self.weight.unwrap_or(DEFAULT_WEIGHT),
        })
    }
}

const DEFAULT_ENABLED: bool = true;
const DEFAULT_PRIORITY: i32 = 0;
const DEFAULT_WEIGHT: u32 = 1;

pub(super) fn list(registry: &Registry) -> Result<Response<Body>> {
    let records = registry.providers();
    let providers = records.iter().map(ProviderView::from).collect();
    Ok(respond::json(StatusCode::OK, &ProviderList { providers }))
}

pub(super) fn show(registry: &Registry, id: ProviderId) -> Result<Response<Body>> {
    let record = registry.provider(id)?;
    Ok(respond::json(StatusCode::OK, &ProviderView::from(&record)))
}

pub(super) async fn create(registry: &Registry, body: &[u8]) -> Result<Response<Body>> {
    let new = object::<ProviderInput>(body)?.into_new()?;
    let record = registry.add_provider(new).await?;
    log("provider added", &record);
    Ok(respond::json(
        StatusCode::CREATED,
        &ProviderView::from(&record),
    ))
}

pub(super) async fn update(
    registry: &Registry,
    id: ProviderId,
    body: &[u8],
) -> Result<Response<Body>> {
    let update = object::<ProviderInput>(body)?.into_update()?;
    let record = registry.update_provider(id, update).await?;
    log("provider changed", &record);
    Ok(respond::json(StatusCode::OK, &ProviderView::from(&record)))
}

pub(super) async fn delete(registry: &Registry, id: ProviderId) -> Result<Response<Body>> {
    registry.delete_provider(id).await?;
    tracing::info!(provider_id = id.0, "provider deleted");
    Ok(respond::no_content())
}

fn log(what: &'static str, record: &ProviderRecord) {
    let ProviderRecord { id, name, kind, .. } = record;
    tracing::info!(
        provider_id = id.0,
        name,
        kind,
        enabled = record.enabled,
        "{what}"
    );
}
