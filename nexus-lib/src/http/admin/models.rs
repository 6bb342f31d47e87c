use http::{HeaderMap, Response, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::error::{Error, ErrorKind, Result};
use crate::http::admin::json_in::{object, required};
use crate::http::admin::operator::Operator;
use crate::http::admin::page::PageQuery;
use crate::http::admin::precondition;
use crate::http::admin::providers::no_provider;
use crate::http::admin::query::Query;
use crate::http::admin::views::{ModelList, ModelView};
use crate::http::{Body, respond};
use crate::registry::Registry;
use crate::store::{ModelRecord, NewModel};
use crate::wire::{ModelId, ProviderId};

/// A model as clients send it.
#[derive(Deserialize, JsonSchema)]
pub(super) struct ModelInput {
    /// Its provider. Optional in updates.
    provider_id: Option<ProviderId>,
    /// Its provider by name, instead of by id.
    provider: Option<String>,
    /// The name that clients use.
    #[schemars(required, length(min = 1, max = 256))]
    model_name: Option<String>,
    /// The name that is sent upstream, if it differs.
    upstream_model: Option<String>,
    description: Option<String>,
}

impl ModelInput {
    /// `present` is the model's current provider, if it has one.
    fn into_new(self, present: Option<ProviderId>, registry: &Registry) -> Result<NewModel> {
        let named = match &self.provider {
            Some(name) => Some(by_name(registry, name)?),
            None => None,
        };
        if let (Some(id), Some(named)) = (self.provider_id, named)
            && id != named
        {
            let message = "`provider` and `provider_id` are different providers; send one of them";
            return Err(Error::new(ErrorKind::Unprocessable, message).with_param("provider"));
        }
        let provider = self.provider_id.or(named).or(present);
        Ok(NewModel {
            provider_id: required(provider, "provider_id")?,
            model_name: required(self.model_name, "model_name")?,
            upstream_model: self.upstream_model,
            description: self.description.unwrap_or_default(),
        })
    }
}

/// The only provider with this name.
fn by_name(registry: &Registry, name: &str) -> Result<ProviderId> {
    let snapshot = registry.snapshot();
    let mut named = snapshot.providers().iter();
    let mut named = named
        .by_ref()
        .filter(|provider| provider.fields.name == name);
    match (named.next(), named.next()) {
        (Some(provider), None) => Ok(provider.id),
        (Some(_), Some(_)) => {
            let message = "several providers have this name; send `provider_id`";
            Err(Error::new(ErrorKind::Unprocessable, message).with_param("provider"))
        }
        (None, _) => {
            let message = "there is no provider of this name; `GET /providers` lists them";
            Err(Error::new(ErrorKind::NotFound, message).with_param("provider"))
        }
    }
}

pub(super) fn list(
    registry: &Registry,
    provider: ProviderId,
    query: &Query,
) -> Result<Response<Body>> {
    let snapshot = registry.snapshot();
    snapshot.provider(provider).ok_or_else(no_provider)?;
    let page =
        PageQuery::read(query)?.of(snapshot.models_of(provider), |record| record.id.0, words_of);
    let models = page.items.into_iter().map(ModelView::from).collect();
    let next = page.next;
    Ok(respond::json(StatusCode::OK, &ModelList { models, next }))
}

/// The searchable texts.
fn words_of(record: &ModelRecord) -> [&str; 2] {
    let upstream = record.upstream_model.as_deref();
    [&record.model_name, upstream.unwrap_or_default()]
}

pub(super) fn show(registry: &Registry, id: ModelId) -> Result<Response<Body>> {
    let snapshot = registry.snapshot();
    let record = snapshot.model(id).ok_or_else(no_model)?;
    Ok(answer(StatusCode::OK, record))
}

pub(super) async fn create(
    registry: &Registry,
    operator: &Operator,
    body: &[u8],
) -> Result<Response<Body>> {
    let new = object::<ModelInput>(body)?.into_new(None, registry)?;
    let record = registry.add_model(new).await?;
    operator.changed("model added", "model", record.id.0, &record.model_name);
    Ok(answer(StatusCode::CREATED, &record))
}

pub(super) async fn update(
    registry: &Registry,
    operator: &Operator,
    id: ModelId,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response<Body>> {
    let snapshot = registry.snapshot();
    let present = snapshot.model(id).ok_or_else(no_model)?;
    let new = object::<ModelInput>(body)?.into_new(Some(present.provider_id), registry)?;
    let expected = precondition::expected(headers, present.version())?;
    let record = registry.update_model_if(id, new, expected).await?;
    operator.changed("model changed", "model", id.0, &record.model_name);
    Ok(answer(StatusCode::OK, &record))
}

fn answer(status: StatusCode, record: &ModelRecord) -> Response<Body> {
    let view = ModelView::from(record);
    precondition::tagged(respond::json(status, &view), record.version())
}

pub(super) async fn delete(
    registry: &Registry,
    operator: &Operator,
    id: ModelId,
    headers: &HeaderMap,
) -> Result<Response<Body>> {
    let before = registry.snapshot();
    let present = before.model(id).ok_or_else(no_model)?;
    let expected = precondition::expected(headers, present.version())?;
    registry.delete_model_if(id, expected).await?;
    let name = &present.model_name;
    operator.changed("model deleted", "model", id.0, name);
    Ok(respond::no_content())
}

fn no_model() -> Error {
    Error::new(
        ErrorKind::NotFound,
        "there is no model with this id; `GET /providers/{id}/models` lists a provider's",
    )
}
