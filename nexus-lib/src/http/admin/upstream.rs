use http::{Response, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::http::admin::providers::no_provider;
use crate::http::{Body, respond};
use crate::provider::{ByKind, models_of};
use crate::registry::Registry;
use crate::wire::ProviderId;

/// `{"models":[…]}`: only names, sorted.
#[derive(Serialize, JsonSchema)]
pub(super) struct NameList {
    models: Vec<String>,
}

/// The model names that a provider's upstream reports.
pub(super) async fn models(
    registry: &Registry,
    providers: &ByKind,
    id: ProviderId,
) -> Result<Response<Body>> {
    let snapshot = registry.snapshot();
    let record = snapshot.provider(id).ok_or_else(no_provider)?;
    let provider = providers.get(&record.fields.kind).ok_or_else(|| {
        let message = "this gateway was built without the provider's kind";
        Error::new(ErrorKind::NotFound, message)
    })?;
    let upstream = registry.upstream(id)?;
    let mut models = models_of(provider, &upstream).await?;
    models.sort_unstable();
    models.dedup();
    Ok(respond::json(StatusCode::OK, &NameList { models }))
}
