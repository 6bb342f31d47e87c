use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, Response};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};
use crate::http::Body;
use crate::http::admin::chat::Chats;
use crate::http::admin::chat::stack::Draft;
use crate::http::admin::json_in::{object, required};
use crate::http::api::error_form::ErrorForm;
use crate::http::api::{answer, conversation};
use crate::registry::Registry;
use crate::wire::{ProviderId, RequestId};

/// What is read of a chat here; the rest goes through as it is.
#[derive(Deserialize, JsonSchema)]
pub(in crate::http::admin) struct Input {
    /// Who answers, and nobody else; whoever a client of the model would be answered by when it is not said.
    provider_id: Option<ProviderId>,
    #[schemars(required)]
    model: Option<String>,
}

/// Answers a chat as the LLM port does: whole, or as server-sent events where `stream` is true.
///
/// `provider_id` is who answers, and nobody else. Without it, those do who share a key with the first
/// provider that offers the model.
pub(in crate::http::admin) async fn stream(
    registry: &Registry,
    chats: &Chats,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response<Body>> {
    let Input { provider_id, model } = object(body)?;
    let model = required(model, "model")?;
    let whose = match provider_id {
        Some(id) => id,
        None => first_with(registry, &model)?,
    };
    let principal = registry.principal_of(whose).map_err(|error| {
        // The body is at fault, not the path.
        Error::new(ErrorKind::NotFound, error.to_string()).with_param("provider_id")
    })?;
    let id = RequestId::new();
    let conversation = conversation(headers)?;
    let draft = Draft {
        id,
        principal,
        body: without_provider(body)?,
        only: provider_id,
        conversation: conversation.clone(),
        deadline: None,
    };
    let (mut response, conversation) = match chats.send(draft).await {
        Ok(metered) => {
            let conversation = metered.conversation_id.clone();
            (
                answer::metered(metered, ErrorForm::OpenAi),
                Some(conversation),
            )
        }
        Err(error) => {
            let error = error.for_operator();
            (answer::error(&error, ErrorForm::OpenAi), conversation)
        }
    };
    answer::name(response.headers_mut(), id, conversation);
    Ok(response)
}

/// The first enabled provider that offers `model`, by priority and id.
fn first_with(registry: &Registry, model: &str) -> Result<ProviderId> {
    let snapshot = registry.snapshot();
    let offers = |id| snapshot.models_of(id).any(|one| one.model_name == model);
    let providers = snapshot.providers().iter();
    let first = providers
        .filter(|provider| provider.enabled && offers(provider.id))
        .min_by_key(|provider| (provider.priority, provider.id));
    first.map(|provider| provider.id).ok_or_else(|| {
        let message = "no enabled provider has this model; `GET /providers/{id}/models` lists them";
        Error::new(ErrorKind::ModelNotFound, message).with_param("model")
    })
}

/// The body for the upstream, which does not know this field.
fn without_provider(body: &[u8]) -> Result<Bytes> {
    let rewritten = || {
        let mut fields: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(body)?;
        fields.remove("provider_id");
        serde_json::to_vec(&fields)
    };
    rewritten().map(Bytes::from).map_err(|cause| {
        Error::new(ErrorKind::InvalidRequest, "the body cannot be read as JSON").with_source(cause)
    })
}
