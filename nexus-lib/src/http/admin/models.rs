use http::{Response, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::error::{Error, ErrorKind, Result};
use crate::http::admin::json_in::{object, required};
use crate::http::admin::providers::no_provider;
use crate::http::admin::views::{ModelList, ModelView};
use crate::http::{Body, respond};
use crate::registry::Registry;
use crate::store::{ModelRecord, NewModel};
use crate::wire::{ModelId, ProviderId};

/// A model as clients write it.
#[derive(Deserialize, JsonSchema)]
pub(super) struct ModelInput {
    /// Whose it is. A change may leave it out.
    provider_id: Option<ProviderId>,
    /// The name that clients use.
    #[schemars(required, length(min = 1, max = 256))]
    model_name: Option<String>,
    /// The name that is sent upstream, when it differs.
    upstream_model: Option<String>,
    description: Option<String>,
}

impl ModelInput {
    /// `present` is the provider that the model has already, if it has one.
    fn into_new(self, present: Option<ProviderId>) -> Result<NewModel> {
        Ok(NewModel {
            provider_id: required(self.provider_id.or(present), "provider_id")?,
            model_name: required(self.model_name, "model_name")?,
            upstream_model: self.upstream_model,
            description: self.description.unwrap_or_default(),
        })
    }
}

pub(super) fn list(registry: &Registry, provider: ProviderId) -> Result<Response<Body>> {
    let snapshot = registry.snapshot();
    snapshot.provider(provider).ok_or_else(no_provider)?;
    let models = snapshot.models_of(provider).map(ModelView::from).collect();
    Ok(respond::json(StatusCode::OK, &ModelList { models }))
}

pub(super) fn show(registry: &Registry, id: ModelId) -> Result<Response<Body>> {
    let snapshot = registry.snapshot();
    let record = snapshot.model(id).ok_or_else(no_model)?;
    Ok(respond::json(StatusCode::OK, &ModelView::from(record)))
}

pub(super) async fn create(registry: &Registry, body: &[u8]) -> Result<Response<Body>> {
    let new = object::<ModelInput>(body)?.into_new(None)?;
    let record = registry.add_model(new).await?;
    log("model added", &record);
    Ok(respond::json(
        StatusCode::CREATED,
        &ModelView::from(&record),
    ))
}

pub(super) async fn update(
    registry: &Registry,
    id: ModelId,
    body: &[u8],
) -> Result<Response<Body>> {
    let present = registry.snapshot().model(id).map(|model| model.provider_id);
    let present = present.ok_or_else(no_model)?;
    let new = object::<ModelInput>(body)?.into_new(Some(present))?;
    let record = registry.update_model(id, new).await?;
    log("model changed", &record);
    Ok(respond::json(StatusCode::OK, &ModelView::from(&record)))
}

pub(super) async fn delete(registry: &Registry, id: ModelId) -> Result<Response<Body>> {
    registry.delete_model(id).await?;
    tracing::info!(model_id = id.0, "model deleted");
    Ok(respond::no_content())
}

fn no_model() -> Error {
    Error::new(
        ErrorKind::NotFound,
        "there is no model with this id; `GET /providers/{id}/models` lists a provider's",
    )
}

fn log(what: &'static str, record: &ModelRecord) {
    tracing::info!(
        model_id = record.id.0,
        provider_id = record.provider_id.0,
        name = record.model_name,
        "{what}"
    );
}
