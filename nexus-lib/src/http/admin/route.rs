use matchit::Router;

use crate::error::{Error, ErrorKind, Result};
use crate::http::admin::console::{self, Asset};
use crate::http::admin::operations as op;
use crate::http::admin::query::percent_decoded;
use crate::http::openapi::{PathItem, Schemas};
use crate::wire::{ConversationId, ModelId, ProviderId, RequestId};

/// The target of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// A file of the console; its front page is at `/`.
    Console(&'static Asset),
    Health,
    Readiness,
    Metrics,
    Providers,
    Provider(ProviderId),
    ProviderModels(ProviderId),
    ProviderTest(ProviderId),
    UpstreamModels(ProviderId),
    Models,
    Model(ModelId),
    Totals,
    Series,
    Summary,
    Conversation(ConversationId),
    Conversations,
    Requests,
    /// `None` if it cannot be a request's id.
    Request(Option<RequestId>),
    Playground,
    Settings,
    OpenApi,
}

impl Route {
    /// The allowed methods, for the `Allow` header.
    pub(super) const fn allow(&self) -> &'static str {
        match self {
            Self::Console(_)
            | Self::Health
            | Self::Readiness
            | Self::Metrics
            | Self::ProviderModels(_)
            | Self::Totals
            | Self::Series
            | Self::Summary
            | Self::Conversation(_)
            | Self::Conversations
            | Self::UpstreamModels(_)
            | Self::Settings
            | Self::OpenApi
            | Self::Requests
            | Self::Request(_) => "GET, HEAD",
            Self::Providers => "GET, HEAD, POST",
            Self::Models | Self::ProviderTest(_) | Self::Playground => "POST",
            Self::Provider(_) | Self::Model(_) => "GET, HEAD, PUT, DELETE",
        }
    }

    /// Whether it is served without a token: for probes, and for browsers whose user has not
    /// entered it yet.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self, Self::Health | Self::Readiness | Self::Console(_))
    }
}

/// Makes a route of the path's one parameter (empty without one), if it is valid.
type Make = fn(&str) -> Option<Route>;

/// Describes a path for the OpenAPI document.
type Describe = fn(&mut Schemas) -> PathItem;

/// All paths: the router and the document share this table.
pub(super) const PATHS: &[(&str, Make, Describe)] = &[
    #[cfg(feature = "console")]
    ("/", |_| find_file("index.html"), op::front_page),
    #[cfg(feature = "console")]
    ("/console/{*path}", find_file, op::console_file),
    ("/healthz", |_| Some(Route::Health), op::health),
    ("/readyz", |_| Some(Route::Readiness), op::readiness),
    ("/metrics", |_| Some(Route::Metrics), op::metrics),
    ("/openapi.json", |_| Some(Route::OpenApi), op::document),
    ("/providers", |_| Some(Route::Providers), op::providers),
    (
        "/providers/{id}",
        |id| provider_id(id).map(Route::Provider),
        op::provider,
    ),
    (
        "/providers/{id}/models",
        |id| provider_id(id).map(Route::ProviderModels),
        op::provider_models,
    ),
    (
        "/providers/{id}/test",
        |id| provider_id(id).map(Route::ProviderTest),
        op::provider_test,
    ),
    (
        "/providers/{id}/upstream_models",
        |id| provider_id(id).map(Route::UpstreamModels),
        op::upstream_models,
    ),
    ("/provider_models", |_| Some(Route::Models), op::models),
    (
        "/provider_models/{id}",
        |id| row_id(id).map(|id| Route::Model(ModelId(id))),
        op::model,
    ),
    ("/stats/total", |_| Some(Route::Totals), op::totals),
    ("/stats/series", |_| Some(Route::Series), op::series),
    ("/stats/summary", |_| Some(Route::Summary), op::summary),
    // Clients choose the names of conversations, which may contain slashes.
    (
        "/stats/conversation/{*id}",
        |id| {
            let id = percent_decoded(id, false)?;
            id.parse().ok().map(Route::Conversation)
        },
        op::conversation,
    ),
    (
        "/stats/conversations",
        |_| Some(Route::Conversations),
        op::conversations,
    ),
    ("/stats/requests", |_| Some(Route::Requests), op::requests),
    (
        "/stats/requests/{id}",
        |id| Some(Route::Request(id.parse().ok())),
        op::request,
    ),
    (
        "/playground/chat",
        |_| Some(Route::Playground),
        op::playground,
    ),
    ("/settings", |_| Some(Route::Settings), op::settings),
];

/// The paths of the admin API.
pub(super) struct Paths(Router<Make>);

impl Paths {
    pub(super) fn new() -> Self {
        let mut router = Router::new();
        for (path, make, _) in PATHS {
            let inserted = router.insert(*path, *make);
            debug_assert!(inserted.is_ok(), "{path}: {inserted:?}");
        }
        Self(router)
    }

    /// The route at `path`; one trailing slash is ignored.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`].
    pub(super) fn find(&self, path: &str) -> Result<Route> {
        let path = match path.strip_suffix('/').unwrap_or(path) {
            "" => "/",
            path => path,
        };
        let not_found = || Error::new(ErrorKind::NotFound, console::NO_SUCH_ROUTE);
        let matched = self.0.at(path).map_err(|_| not_found())?;
        let parameter = matched.params.iter().next().map_or("", |(_, value)| value);
        (matched.value)(parameter).ok_or_else(|| match parameter {
            "" => not_found(),
            _ => Error::new(
                ErrorKind::NotFound,
                "there is nothing with this id; `GET` the list to see the existing ones",
            ),
        })
    }
}

fn find_file(path: &str) -> Option<Route> {
    console::find(path).map(Route::Console)
}

fn provider_id(text: &str) -> Option<ProviderId> {
    row_id(text).map(ProviderId)
}

/// A row's id in a path. Anything except digits is not an id.
fn row_id(text: &str) -> Option<i64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_routes() {
        let paths = Paths::new();
        let route = |path| paths.find(path).ok();
        let page = console::find("index.html").map(Route::Console);
        assert!(page.is_some());
        assert_eq!(route("/"), page);
        assert_eq!(route(""), page);
        assert_eq!(route("/providers/"), Some(Route::Providers));
        assert_eq!(
            route("/providers/7/models"),
            Some(Route::ProviderModels(ProviderId(7)))
        );
        for nothing in [
            "/providers/x",
            "/providers/-1",
            "/providers/+1",
            "/providers/99999999999999999999",
            "/providers//",
            "/nope",
            "/console/",
            "/console/nope.js",
            "/console/../nexus.db",
            "/stats/conversation/",
            "/stats/conversation/%zz",
            "/stats/conversation/%00",
        ] {
            assert_eq!(route(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn conversation_ids_are_decoded() {
        let paths = Paths::new();
        for path in [
            "/stats/conversation/a%2Fb+c%25",
            "/stats/conversation/a/b+c%25/",
        ] {
            let id = "a/b+c%".parse().unwrap();
            assert_eq!(paths.find(path).unwrap(), Route::Conversation(id));
        }
    }
}
