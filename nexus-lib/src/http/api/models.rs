//! The models available to a key: `GET /v1/models` and `GET /v1/models/{id}`, in OpenAI's format;
//! in Anthropic's for its clients, which send the API version in a header.

use http::{HeaderMap, Response, StatusCode};

use crate::call::{Principal, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::error_form::ErrorForm;
use crate::http::{Body, respond};
use crate::wire::{AnthropicModel, AnthropicModelList, ModelEntry, ModelList, percent_decoded};

/// The maximum page size for Anthropic clients.
const MAX_LIMIT: usize = 1000;

/// The format of models for the client that sent `headers`.
pub(super) fn form(headers: &HeaderMap) -> ErrorForm {
    match headers.contains_key("anthropic-version") {
        true => ErrorForm::Anthropic,
        false => ErrorForm::OpenAi,
    }
}

/// All models, by name; each once, with the provider that is tried first.
///
/// # Errors
/// `InvalidRequest` when a limit in `query` is not a number from 1 to 1000.
pub(super) fn list(
    principal: &Principal,
    form: ErrorForm,
    query: Option<&str>,
) -> Result<Response<Body>> {
    let mut models: Vec<(&str, &Target)> = principal
        .grant()
        .models()
        .filter_map(|(name, targets)| Some((&**name, targets.first()?)))
        .collect();
    models.sort_unstable_by_key(|(name, _)| *name);
    Ok(match form {
        ErrorForm::Anthropic => respond::json(StatusCode::OK, &page(&models, query)?),
        ErrorForm::OpenAi | ErrorForm::Responses => respond::json(
            StatusCode::OK,
            &ModelList {
                object: "list",
                data: models.into_iter().map(entry).collect(),
            },
        ),
    })
}

/// The model named at the end of a path. Its name may contain slashes, escaped or not.
///
/// # Errors
/// `ModelNotFound` when the key has no access to it.
pub(super) fn one(principal: &Principal, form: ErrorForm, name: &str) -> Result<Response<Body>> {
    let decoded = percent_decoded(name);
    let decoded = decoded.as_ref().map_or(name, |name| name.as_str());
    // A name that looks escaped may be literal.
    let grant = principal.grant();
    let found = [decoded, name]
        .into_iter()
        .find_map(|name| Some((name, grant.targets(name)?.first()?)));
    let Some(model) = found else {
        let name: String = decoded.chars().take(100).collect();
        let message = format!(
            "this key has no access to the model `{name}`; GET /v1/models lists its models"
        );
        return Err(Error::new(ErrorKind::ModelNotFound, message).with_param("model"));
    };
    Ok(match form {
        ErrorForm::Anthropic => respond::json(StatusCode::OK, &anthropic(model)),
        ErrorForm::OpenAi | ErrorForm::Responses => respond::json(StatusCode::OK, &entry(model)),
    })
}

fn entry((name, target): (&str, &Target)) -> ModelEntry {
    ModelEntry {
        id: name.to_owned(),
        object: "model",
        created: target.created_at.as_seconds(),
        owned_by: target.provider.name.to_string(),
    }
}

fn anthropic((name, target): (&str, &Target)) -> AnthropicModel {
    AnthropicModel {
        r#type: "model",
        id: name.to_owned(),
        display_name: name.to_owned(),
        created_at: target.created_at,
    }
}

/// The part of the list that `query` requests with `limit`, `after_id` and `before_id`; everything
/// without them.
fn page(models: &[(&str, &Target)], query: Option<&str>) -> Result<AnthropicModelList> {
    let value = |name: &str| {
        let pairs = query.unwrap_or_default().split('&');
        let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(known, _)| *known == name)?;
        percent_decoded(value)
    };
    let limit = match value("limit") {
        None => usize::MAX,
        Some(text) => match text.parse() {
            Ok(limit @ 1..=MAX_LIMIT) => limit,
            _ => {
                let message = "`limit` must be a number from 1 to 1000";
                let error = Error::new(ErrorKind::InvalidRequest, message);
                return Err(error.with_param("limit"));
            }
        },
    };
    let at = |id: &str| models.partition_point(|(name, _)| *name < id);
    let (models, has_more) = match (value("after_id"), value("before_id")) {
        (None, Some(before)) => {
            let all = models.get(..at(&before)).unwrap_or_default();
            let start = all.len().saturating_sub(limit);
            (all.get(start..).unwrap_or_default(), start > 0)
        }
        (after, _) => {
            let start = after.map_or(0, |after| {
                models.partition_point(|(name, _)| *name <= after.as_str())
            });
            let all = models.get(start..).unwrap_or_default();
            (all.get(..limit).unwrap_or(all), limit < all.len())
        }
    };
    let data: Vec<AnthropicModel> = models.iter().map(|model| anthropic(*model)).collect();
    Ok(AnthropicModelList {
        first_id: data.first().map(|model| model.id.clone()),
        last_id: data.last().map(|model| model.id.clone()),
        has_more,
        data,
    })
}
