use http::{HeaderMap, Response, StatusCode};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

use crate::error::{Error, ErrorKind, Result};
use crate::http::admin::json_in::{object, required};
use crate::http::admin::operator::Operator;
use crate::http::admin::page::PageQuery;
use crate::http::admin::precondition;
use crate::http::admin::query::Query;
use crate::http::admin::views::{ProviderList, ProviderView};
use crate::http::{Body, respond};
use crate::registry::{ProviderRecord, ProviderSpec, Registry, Snapshot};
use crate::store::Version;
use crate::wire::{Protocols, ProviderId, ProviderLimits, TimerSettings};

/// A provider as clients send it.
// Not `Debug`: it contains keys.
#[derive(Deserialize, JsonSchema)]
pub(super) struct ProviderInput {
    /// Its display name, without control characters.
    #[schemars(required, length(min = 1, max = 200))]
    name: Option<String>,
    /// The kind of provider; derived from the URL's host by default.
    kind: Option<String>,
    /// Its base URL, http or https.
    #[schemars(required, url, regex(pattern = r"^https?://"))]
    server_url: Option<String>,
    /// Its API key: visible ASCII, empty if it needs none. Updates may omit it or send its mask.
    #[schemars(length(max = 4096), regex(pattern = r"^[!-~]*$"))]
    server_key: Option<String>,
    /// The clients' key: visible ASCII. Updates may omit it or send its mask.
    #[schemars(length(min = 1, max = 512), regex(pattern = r"^[!-~]+$"))]
    personalized_key: Option<String>,
    description: Option<String>,
    /// Outbound proxies, tried in order, separated by commas.
    proxy_url: Option<String>,
    /// The protocols in which it accepts chats without translation; derived from its kind by
    /// default.
    protocols: Option<Protocols>,
    enabled: Option<bool>,
    /// Lower values are tried first.
    #[schemars(range(min = -1000, max = 1000))]
    priority: Option<i32>,
    /// Its share of requests among providers of equal priority.
    #[schemars(range(min = 1, max = 1000))]
    weight: Option<u32>,
    /// The maximum number of concurrent requests; unlimited by default.
    #[schemars(range(min = 1, max = 100_000))]
    max_concurrency: Option<u32>,
    timeouts: Option<TimerSettings>,
}

impl ProviderInput {
    /// Fields that are not set keep their default, and keys stay absent.
    fn into_spec(self) -> Result<ProviderSpec> {
        let name = required(self.name, "name")?;
        let server_url = required(self.server_url, "server_url")?;
        let mut spec = ProviderSpec::new(name, server_url, "", "");
        spec.server_key = self.server_key.map(SecretString::from);
        spec.personalized_key = self.personalized_key.map(SecretString::from);
        spec.kind = self.kind.filter(|kind| !kind.trim().is_empty());
        spec.description = self.description.unwrap_or(spec.description);
        spec.proxy_url = self.proxy_url.map(SecretString::from);
        spec.protocols = self.protocols;
        spec.enabled = self.enabled.unwrap_or(spec.enabled);
        spec.priority = self.priority.unwrap_or(spec.priority);
        spec.weight = self.weight.unwrap_or(spec.weight);
        spec.limits = ProviderLimits {
            max_concurrency: self.max_concurrency,
            timers: self.timeouts.unwrap_or_default(),
        };
        Ok(spec)
    }
}

pub(super) fn list(registry: &Registry, query: &Query) -> Result<Response<Body>> {
    let snapshot = registry.snapshot();
    let page = PageQuery::read(query)?.of(
        snapshot.providers().iter(),
        |record| record.id.0,
        |record| [&record.fields.name, &record.fields.kind],
    );
    let with_models = match query.text("with")? {
        None => false,
        Some("models") => true,
        Some(_) => {
            let error = Error::new(ErrorKind::Unprocessable, "`with` must be models");
            return Err(error.with_param("with"));
        }
    };
    let view = |record| {
        let view = ProviderView::new(record, &snapshot);
        match with_models {
            true => view.with_models(&snapshot),
            false => view,
        }
    };
    let list = ProviderList {
        providers: page.items.into_iter().map(view).collect(),
        next: page.next,
    };
    Ok(respond::json(StatusCode::OK, &list))
}

pub(super) fn show(registry: &Registry, id: ProviderId) -> Result<Response<Body>> {
    let snapshot = registry.snapshot();
    let record = snapshot.provider(id).ok_or_else(no_provider)?;
    Ok(answer(StatusCode::OK, record, &snapshot))
}

pub(super) async fn create(
    registry: &Registry,
    operator: &Operator,
    body: &[u8],
) -> Result<Response<Body>> {
    let spec = object::<ProviderInput>(body)?.into_spec()?;
    let record = registry.add_provider(spec).await?;
    operator.changed(
        "provider added",
        "provider",
        record.id.0,
        &record.fields.name,
    );
    Ok(answer(StatusCode::CREATED, &record, &registry.snapshot()))
}

pub(super) async fn update(
    registry: &Registry,
    operator: &Operator,
    id: ProviderId,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response<Body>> {
    let spec = object::<ProviderInput>(body)?.into_spec()?;
    let expected = expected(registry, id, headers)?;
    let record = registry.update_provider_if(id, spec, expected).await?;
    operator.changed("provider changed", "provider", id.0, &record.fields.name);
    Ok(answer(StatusCode::OK, &record, &registry.snapshot()))
}

/// The version in `If-Match`. A missing provider is reported by the change itself.
fn expected(registry: &Registry, id: ProviderId, headers: &HeaderMap) -> Result<Option<Version>> {
    let snapshot = registry.snapshot();
    let present = snapshot.provider(id).map(ProviderRecord::version);
    present.map_or(Ok(None), |present| precondition::expected(headers, present))
}

fn answer(status: StatusCode, record: &ProviderRecord, snapshot: &Snapshot) -> Response<Body> {
    let view = ProviderView::new(record, snapshot);
    precondition::tagged(respond::json(status, &view), record.version())
}

pub(super) async fn delete(
    registry: &Registry,
    operator: &Operator,
    id: ProviderId,
    headers: &HeaderMap,
) -> Result<Response<Body>> {
    let before = registry.snapshot();
    let expected = expected(registry, id, headers)?;
    registry.delete_provider_if(id, expected).await?;
    let name = before.provider(id).map_or("", |record| &record.fields.name);
    operator.changed("provider deleted", "provider", id.0, name);
    Ok(respond::no_content())
}

pub(super) fn no_provider() -> Error {
    Error::new(
        ErrorKind::NotFound,
        "there is no provider with this id; `GET /providers` lists them",
    )
}
