use std::collections::BTreeMap;

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::call::RequestBody;
use crate::error::{Error, ErrorKind, Result};
use crate::http::Body;
use crate::http::admin::chat::Chats;
use crate::http::admin::json_in::{object, required};
use crate::http::api::answer;
use crate::http::api::error_form::ErrorForm;
use crate::intake::{Arrival, Passport, conversation};
use crate::registry::Registry;
use crate::wire::{ProviderId, RequestId};

/// What is read of a chat here; the rest goes through as it is.
#[derive(Deserialize, JsonSchema)]
pub(in crate::http::admin) struct Input {
    /// Who answers, and nobody else; whoever a client of the model would be answered by when it is
    /// not said.
    provider_id: Option<ProviderId>,
    #[schemars(required)]
    model: Option<String>,
}

/// Answers a chat as the LLM port does: whole, or as server-sent events where `stream` is true.
///
/// `provider_id` is who answers, and nobody else. Without it, all enabled providers of the model
/// may.
pub(in crate::http::admin) async fn stream(
    chats: &Chats,
    head: Parts,
    body: &[u8],
) -> Result<Response<Body>> {
    let Input { provider_id, model } = object(body)?;
    let model = required(model, "model")?;
    check_choice(chats.registry(), provider_id, &model)?;
    let id = RequestId::new();
    let conversation = conversation(&head.headers)?;
    let open = chats.admit()?;
    let passport = Passport::read(&head.headers, chats.hop().arrives(&head.headers)?)?;
    let principal = chats.registry().operator();
    let mut arrival = Arrival::chat(id, principal, passport.with(head.extensions));
    arrival.only = provider_id;
    arrival.conversation = conversation.clone();
    let body = RequestBody::scan(without_provider(body)?)?;
    let answer = chats.send(chats.call(arrival, body)).await;
    let (response, conversation) = match answer {
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
    let mut response = response.map(|body| body.of_request(open));
    answer::name(response.headers_mut(), id, conversation);
    Ok(response)
}

/// Refuses a provider that is not there, and a model that no enabled provider has.
fn check_choice(registry: &Registry, provider_id: Option<ProviderId>, model: &str) -> Result<()> {
    let snapshot = registry.snapshot();
    if let Some(id) = provider_id {
        return match snapshot.provider(id) {
            Some(_) => Ok(()),
            // The body is at fault, not the path.
            None => Err(
                Error::new(ErrorKind::NotFound, format!("there is no provider {id}"))
                    .with_param("provider_id"),
            ),
        };
    }
    let mut providers = snapshot.providers().iter();
    let is_offered = providers.any(|provider| {
        let mut models = snapshot.models_of(provider.id);
        provider.fields.enabled && models.any(|one| one.model_name == model)
    });
    match is_offered {
        true => Ok(()),
        false => {
            let message =
                "no enabled provider has this model; `GET /providers/{id}/models` lists them";
            Err(Error::new(ErrorKind::ModelNotFound, message).with_param("model"))
        }
    }
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
