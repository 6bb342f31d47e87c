use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, VARY, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body as _;
use secrecy::SecretString;

use crate::archive::Archive;
use crate::body_memory::{BodyMemory, Holder};
use crate::coding::Coding;
use crate::error::{BoxError, Error, ErrorKind, Result};
use crate::http::admin::SettingsView;
use crate::http::admin::chat::Chats;
use crate::http::admin::guard::Guard;
use crate::http::admin::operator::Operator;
use crate::http::admin::query::Query;
use crate::http::admin::route::{Paths, Route};
use crate::http::admin::views::Health;
use crate::http::admin::{
    chat, console, conversations, models, operations, providers, statistics, upstream,
};
use crate::http::collect::{BodyLimits, collect};
use crate::http::decode::{codings_of, decoded};
use crate::http::{Body, BodyTimeouts, ClientAddr, respond};
use crate::intake::Refusals;
use crate::meter::Books;
use crate::observe::Edge;
use crate::provider::ByKind;
use crate::registry::Registry;
use crate::store::{LedgerQueries, LedgerStore, Store};
use crate::wire::RequestId;

/// The largest request body that is read: 1 MiB.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// What bodies may take together where there is no gateway: 64 MiB.
const OWN_MEMORY: usize = 64 * 1024 * 1024;

/// The admin API as a tower service. A clone shares everything.
///
/// With a token, every request but those of health probes and for the console's files must show it.
/// Without one, the service answers only requests whose `Host` is a loopback name and whose
/// `Origin`, if there is one, is this very server: an app that mounts it under another name must
/// give it a token.
#[derive(Clone)]
pub struct AdminService {
    shared: Arc<Shared>,
    body_timeouts: BodyTimeouts,
    memory: BodyMemory,
}

opaque_debug!(AdminService);

/// A body that is still to be read, and how long that may take.
struct Paced<B> {
    body: B,
    timeouts: BodyTimeouts,
    memory: BodyMemory,
    codings: Result<Vec<Coding>>,
}

struct Shared {
    registry: Registry,
    ledger: LedgerOf,
    archive: Option<Archive>,
    guard: Guard,
    paths: Paths,
    /// Of a gateway; none where only its books are served.
    gateway: Option<GatewayParts>,
    metrics: OnceLock<MetricsText>,
}

/// Where the ledger is kept: what is asked whether it answers, and what is asked about its rows.
pub(crate) struct LedgerOf {
    pub(crate) store: Arc<dyn LedgerStore>,
    pub(crate) queries: Arc<dyn LedgerQueries>,
}

/// What the admin port needs of a gateway beyond its books.
#[derive(Clone)]
pub(crate) struct GatewayParts {
    pub(crate) chats: Chats,
    pub(crate) providers: ByKind,
    pub(crate) books: Books,
    pub(crate) settings: SettingsView,
    pub(crate) refusals: Refusals,
}

/// What `/metrics` answers.
#[derive(Debug)]
#[non_exhaustive]
pub struct MetricsPage {
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The figures.
    pub text: String,
}

impl MetricsPage {
    /// A page of this content type.
    pub fn new(content_type: &'static str, text: impl Into<String>) -> Self {
        Self {
            content_type,
            text: text.into(),
        }
    }
}

/// Makes the page in the format that the client's `Accept` header prefers.
type MetricsText = Box<dyn Fn(&str) -> MetricsPage + Send + Sync>;

impl AdminService {
    /// The admin API over a registry, the store that has its ledger, and the archive of its
    /// messages.
    pub fn new(
        registry: Registry,
        store: Arc<dyn Store>,
        archive: Option<Archive>,
        token: Option<SecretString>,
    ) -> Self {
        let ledger = LedgerOf {
            store: store.clone(),
            queries: store,
        };
        Self::over(registry, ledger, archive, token, None)
    }

    /// The same with what asks providers: tests, upstreams' lists and the playground. Without a
    /// gateway there are no such routes.
    pub(crate) fn over(
        registry: Registry,
        ledger: LedgerOf,
        archive: Option<Archive>,
        token: Option<SecretString>,
        gateway: Option<GatewayParts>,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                registry,
                ledger,
                archive,
                guard: Guard::new(token.as_ref()),
                paths: Paths::new(),
                gateway,
                metrics: OnceLock::new(),
            }),
            body_timeouts: BodyTimeouts::default(),
            memory: BodyMemory::at_most(OWN_MEMORY),
        }
    }

    /// How long clients may take to send the body of a request; the defaults unless set.
    #[must_use]
    pub fn body_timeouts(mut self, timeouts: BodyTimeouts) -> Self {
        self.body_timeouts = timeouts;
        self
    }

    /// Counts bodies beside those of the LLM port.
    pub(crate) fn body_memory(mut self, memory: BodyMemory) -> Self {
        self.memory = memory;
        self
    }

    /// Serves at `/metrics` what `page` makes of the client's `Accept` header, which is empty where
    /// there is none. Without it there is no such route. A second call does nothing.
    #[must_use]
    pub fn metrics(self, page: impl Fn(&str) -> MetricsPage + Send + Sync + 'static) -> Self {
        let _ = self.shared.metrics.set(Box::new(page));
        self
    }
}

impl<B> tower::Service<Request<B>> for AdminService
where
    B: http_body::Body<Data: Buf + Send, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (shared, timeouts) = (Arc::clone(&self.shared), self.body_timeouts);
        let memory = self.memory.clone();
        let codings = codings_of(request.headers());
        let request = request.map(|body| Paced {
            body,
            timeouts,
            memory,
            codings,
        });
        Box::pin(async move { Ok(shared.respond(request).await) })
    }
}

impl Shared {
    fn metrics(&self, request: &HeaderMap) -> Result<Response<Body>> {
        let metrics = self.metrics.get().ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "this gateway does not count metrics")
        })?;
        let accepted: Vec<_> = (request.get_all(ACCEPT).iter())
            .filter_map(|value| value.to_str().ok())
            .collect();
        let page = metrics(&accepted.join(","));
        let mut response = Response::new(Body::full(page.text));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(page.content_type));
        headers.insert(VARY, HeaderValue::from_static("accept"));
        Ok(response)
    }

    async fn respond<B>(&self, request: Request<Paced<B>>) -> Response<Body>
    where
        B: http_body::Body<Data: Buf, Error: Into<BoxError>>,
    {
        let head_only = request.method() == Method::HEAD;
        let client = request.extensions().get::<ClientAddr>();
        let asked = Asked {
            id: RequestId::new(),
            client: client.map(|client| client.0),
        };
        let mut response = match self.answer(request, asked).await {
            Ok(response) => response,
            Err(error) => {
                self.report(&error, asked);
                refusal(&error.for_operator())
            }
        };
        let headers = response.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if !headers.contains_key(REQUEST_ID)
            && let Ok(id) = HeaderValue::from_str(asked.id.encode(&mut [0; 36]))
        {
            headers.insert(REQUEST_ID, id);
        }
        headers
            .entry(CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
        if head_only {
            if let Some(length) = response.body().size_hint().exact() {
                response.headers_mut().insert(CONTENT_LENGTH, length.into());
            }
            *response.body_mut() = Body::empty();
        }
        response
    }

    /// Reports clients that were refused. An operator's mistakes are reported to that operator
    /// only.
    fn report(&self, error: &Error, asked: Asked) {
        use ErrorKind as K;
        let is_refusal = matches!(
            error.kind(),
            K::InvalidAdminToken
                | K::TooManyAttempts
                | K::Forbidden
                | K::UnsupportedMediaType
                | K::TooLarge
                | K::RequestTimeout
                | K::Overloaded
        );
        if let Some(gateway) = self.gateway.as_ref().filter(|_| is_refusal) {
            (gateway.refusals).report(Edge::Admin, asked.id, error, asked.client);
        }
    }

    fn gateway(&self) -> Result<&GatewayParts> {
        self.gateway.as_ref().ok_or_else(|| {
            let message = "this admin port was built without a gateway behind it";
            Error::new(ErrorKind::NotFound, message)
        })
    }

    /// Whether requests are served, by the same value that admits them.
    async fn check_ready(&self) -> Result<()> {
        let Some(gateway) = &self.gateway else {
            return self.ledger.store.ping().await.map_err(not_ready);
        };
        gateway.books.store.ask(&*self.ledger.store).await?;
        gateway.books.check_admission()
    }

    async fn answer<B>(&self, request: Request<Paced<B>>, asked: Asked) -> Result<Response<Body>>
    where
        B: http_body::Body<Data: Buf, Error: Into<BoxError>>,
    {
        let (head, body) = request.into_parts();
        let route = self.paths.find(head.uri.path());
        let open = route.as_ref().is_ok_and(Route::is_open);
        self.guard.check(&head, asked.client, open)?;
        let operator = &Operator::new(&self.guard, asked.client, asked.id);
        let route = route?;
        let query = Query::parse(head.uri.query());
        let method = match &head.method {
            &Method::HEAD => &Method::GET,
            method => method,
        };

        let (registry, store) = (&self.registry, &*self.ledger.queries);
        match (method.as_str(), route) {
            ("GET", Route::Console(asset)) => Ok(console::serve(asset, &head.headers)),
            ("GET", Route::Health) => Ok(respond::json(StatusCode::OK, &HEALTHY)),
            ("GET", Route::Readiness) => {
                self.check_ready().await?;
                Ok(respond::json(StatusCode::OK, &HEALTHY))
            }
            ("GET", Route::Metrics) => self.metrics(&head.headers),
            ("GET", Route::OpenApi) => Ok(respond::json_bytes(StatusCode::OK, operations::whole())),
            ("GET", Route::Providers) => providers::list(registry, &query?),
            ("POST", Route::Providers) => {
                providers::create(registry, operator, &whole(body).await?).await
            }
            ("GET", Route::Provider(id)) => providers::show(registry, id),
            ("PUT", Route::Provider(id)) => {
                let body = whole(body).await?;
                providers::update(registry, operator, id, &head.headers, &body).await
            }
            ("DELETE", Route::Provider(id)) => {
                providers::delete(registry, operator, id, &head.headers).await
            }
            ("GET", Route::ProviderModels(id)) => models::list(registry, id, &query?),
            ("POST", Route::ProviderTest(id)) => {
                let chats = &self.gateway()?.chats;
                chat::test(chats, id, &whole(body).await?).await
            }
            ("GET", Route::UpstreamModels(id)) => {
                upstream::models(registry, &self.gateway()?.providers, id).await
            }
            ("POST", Route::Playground) => {
                let chats = &self.gateway()?.chats;
                chat::stream(chats, head, &whole(body).await?).await
            }
            ("GET", Route::Settings) => {
                let settings = &self.gateway()?.settings;
                Ok(respond::json(StatusCode::OK, settings))
            }
            ("POST", Route::Models) => {
                models::create(registry, operator, &whole(body).await?).await
            }
            ("GET", Route::Model(id)) => models::show(registry, id),
            ("PUT", Route::Model(id)) => {
                let body = whole(body).await?;
                models::update(registry, operator, id, &head.headers, &body).await
            }
            ("DELETE", Route::Model(id)) => {
                models::delete(registry, operator, id, &head.headers).await
            }
            ("GET", Route::Totals) => {
                let totals = statistics::totals(store, &query?).await?;
                Ok(respond::json(StatusCode::OK, &totals))
            }
            ("GET", Route::Series) => {
                let series = statistics::series(store, &query?).await?;
                Ok(respond::json(StatusCode::OK, &series))
            }
            ("GET", Route::Summary) => {
                let summary = statistics::summary(store, &query?).await?;
                Ok(respond::json(StatusCode::OK, &summary))
            }
            ("GET", Route::Conversation(id)) => {
                let conversation =
                    statistics::conversation(store, self.archive.as_ref(), &id, &query?).await?;
                Ok(respond::json(StatusCode::OK, &conversation))
            }
            ("GET", Route::Conversations) => {
                let page = conversations::page(store, &query?).await?;
                Ok(respond::json(StatusCode::OK, &page))
            }
            ("GET", Route::Request(id)) => {
                let request = statistics::request(store, self.archive.as_ref(), id).await?;
                Ok(respond::json(StatusCode::OK, &request))
            }
            ("GET", Route::Requests) => {
                let page = statistics::requests(store, &query?).await?;
                Ok(respond::json(StatusCode::OK, &page))
            }
            (_, route) => Ok(not_allowed(&route)),
        }
    }
}

/// What is known of a request before its route is.
#[derive(Clone, Copy)]
struct Asked {
    id: RequestId,
    client: Option<IpAddr>,
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const HEALTHY: Health = Health { status: "ok" };

async fn whole<B>(paced: Paced<B>) -> Result<Bytes>
where
    B: http_body::Body<Data: Buf, Error: Into<BoxError>>,
{
    let Paced {
        body,
        timeouts,
        memory,
        codings,
    } = paced;
    let limits = BodyLimits {
        bytes: MAX_BODY_BYTES,
        timeouts,
        memory: &memory,
        holder: Holder::Operator,
    };
    let body = collect(body, limits).await?;
    decoded(body, codings?, limits).await
}

fn refusal(error: &Error) -> Response<Body> {
    let mut response = respond::error(error);
    if error.kind() == ErrorKind::InvalidAdminToken {
        let scheme = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    }
    response
}

fn not_allowed(route: &Route) -> Response<Body> {
    let allow = route.allow();
    let error = Error::new(
        ErrorKind::MethodNotAllowed,
        format!("this route takes {allow}"),
    );
    let mut response = respond::error(&error);
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(allow));
    response
}

fn not_ready(cause: Error) -> Error {
    Error::new(
        ErrorKind::StoreUnavailable,
        "the store does not answer; see the gateway's log",
    )
    .with_source(cause)
}
