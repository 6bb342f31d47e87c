use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::{Buf, Bytes};
use futures_util::future::{BoxFuture, Either};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body::Body as HttpBody;
use tower::{Service, ServiceExt};

use crate::body_memory::{BodyMemory, Holder};
use crate::call::{Call, Metered, Operation, Principal, RequestBody};
use crate::coding::Coding;
use crate::error::{BoxError, Error, ErrorKind, Result};
use crate::http::api::credentials::presented_key;
use crate::http::api::error_form::ErrorForm;
use crate::http::api::route::{NoRoute, Route};
use crate::http::api::{answer, models, operations, route};
use crate::http::collect::{BodyLimits, collect};
use crate::http::decode::{codings_of, decoded};
use crate::http::open_requests::{OpenRequest, OpenRequests};
use crate::http::ws::{self, Face, Socket, Sockets};
use crate::http::{Body, BodyTimeouts, ClientAddr, Refusals, respond};
use crate::observe::Edge;
use crate::offload;
use crate::provider::headers::forwardable;
use crate::registry::Registry;
use crate::thread::Threads;
use crate::wire::{self, ConversationId, Hop, RequestId};

static CONVERSATION_ID: HeaderName = HeaderName::from_static("x-conversation-id");
static TIMEOUT: HeaderName = HeaderName::from_static("x-request-timeout-ms");
static SESSION_ID: HeaderName = HeaderName::from_static("x-session-id");
/// Where agents say which of their sessions a request is of: Codex, and those who took after it; Claude Code.
static SESSIONS: [HeaderName; 4] = [
    HeaderName::from_static("session-id"),
    HeaderName::from_static("session_id"),
    HeaderName::from_static("thread-id"),
    HeaderName::from_static("x-claude-code-session-id"),
];

/// The LLM port as a tower service. It is always ready, never fails, and a clone is the same port.
///
/// `S` is what answers its calls: the gateway's stack, or any other service that meters them.
#[derive(Clone)]
pub struct ApiService<S> {
    shared: Arc<Shared<S>>,
}

/// What the LLM port is made of.
pub(crate) struct ApiParts<S> {
    pub(crate) registry: Registry,
    pub(crate) threads: Threads,
    pub(crate) stack: S,
    pub(crate) max_body_bytes: usize,
    pub(crate) body_timeouts: BodyTimeouts,
    pub(crate) open_requests: OpenRequests,
    pub(crate) sockets: Sockets,
    pub(crate) refusals: Refusals,
    pub(crate) hop: Hop,
    pub(crate) memory: BodyMemory,
}

struct Shared<S> {
    /// What answers calls, over HTTP and over WebSocket.
    face: Arc<Face<S>>,
    /// Held for as long as the port is served.
    _sockets: Sockets,
    max_body_bytes: usize,
    body_timeouts: BodyTimeouts,
    /// Recognises what the gateway itself has sent.
    hop: Hop,
    memory: BodyMemory,
}

/// A day.
const LONGEST_TIMEOUT_MS: u32 = 86_400_000;

/// What a request's head comes to.
enum Begun {
    Answered(Response<Body>),
    /// With the headers that go on with it.
    Call(
        Operation,
        Principal,
        Option<Instant>,
        Vec<Coding>,
        OpenRequest,
        HeaderMap,
    ),
}

impl<S> ApiService<S> {
    pub(crate) fn over(parts: ApiParts<S>) -> Self {
        let sockets = parts.sockets;
        let face = Face {
            registry: parts.registry,
            threads: parts.threads,
            stack: parts.stack,
            open_requests: parts.open_requests,
            refusals: parts.refusals,
            memory: parts.memory.clone(),
            tasks: Arc::clone(sockets.tasks()),
        };
        let shared = Shared {
            face: Arc::new(face),
            _sockets: sockets,
            max_body_bytes: parts.max_body_bytes,
            body_timeouts: parts.body_timeouts,
            memory: parts.memory,
            hop: parts.hop,
        };
        Self {
            shared: Arc::new(shared),
        }
    }
}

impl<S> ApiService<S>
where
    S: Service<Call, Response = Metered, Error = Error> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    /// All that can be said before the body is read.
    fn begin(
        &self,
        id: RequestId,
        head: &mut Parts,
        route: Result<Route, NoRoute>,
    ) -> Result<Begun> {
        let answer = match route {
            Err(NoRoute::Path) => return Err(no_such_route()),
            Err(NoRoute::Method(allowed)) => {
                let error = wrong_method(head, allowed);
                let client = head.extensions.get::<ClientAddr>().map(|client| client.0);
                self.shared.report(id, &error, client);
                let mut response = ErrorForm::OpenAi.response(&error);
                answer::allow(&mut response, allowed);
                response
            }
            Ok(Route::Health) => answer::healthy(),
            Ok(Route::OpenApi) => respond::json_bytes(StatusCode::OK, operations::whole()),
            Ok(Route::Socket) => self.open_socket(head)?,
            Ok(route) => {
                // First of all: a request that has been here comes from this gateway itself.
                let passed = match route {
                    Route::Call(_) => self.shared.hop.arrives(&head.headers)?,
                    _ => None,
                };
                let key = presented_key(&head.headers)?;
                let principal = self.shared.face.registry.authenticate(key)?;
                if let Route::Call(operation) = route {
                    let deadline = deadline(&head.headers)?;
                    let codings = codings_of(&head.headers)?;
                    let open = self.shared.face.open_requests.admit()?;
                    let mut headers = forwardable(&head.headers);
                    Hop::keep(passed, &mut headers);
                    return Ok(Begun::Call(
                        operation, principal, deadline, codings, open, headers,
                    ));
                }
                let form = models::form(&head.headers);
                match route::model_name(head.uri.path()) {
                    Some(name) => models::one(&principal, form, name)?,
                    None => models::list(&principal, form, head.uri.query())?,
                }
            }
        };
        Ok(Begun::Answered(answer))
    }

    /// Takes a WebSocket. A key that is shown must be valid; one that is not shown here has to come as the
    /// first frame.
    fn open_socket(&self, head: &mut Parts) -> Result<Response<Body>> {
        self.shared.hop.arrives(&head.headers)?;
        let face = Arc::clone(&self.shared.face);
        let among_protocols = ws::key_among_protocols(&head.headers)?;
        let principal = match (presented_key(&head.headers), among_protocols) {
            (Ok(key), _) => Some(face.registry.authenticate(key)?),
            (Err(_), Some(key)) => Some(face.registry.authenticate(&key)?),
            (Err(_), None) => None,
        };
        let ws::Opened { upgrade, response } = ws::open(head)?;
        let tasks = Arc::clone(&face.tasks);
        tasks.accept(upgrade, move |io| Socket::new(face, io, principal).run());
        Ok(response)
    }
}

impl<S> Shared<S> {
    fn report(&self, id: RequestId, error: &Error, client: Option<IpAddr>) {
        (self.face.refusals).report(Edge::Api, id, error, client);
    }
}

/// The conversation that the client names, if it names one.
pub(in crate::http) fn conversation(headers: &HeaderMap) -> Result<Option<ConversationId>> {
    let Some(value) = headers
        .get(&CONVERSATION_ID)
        .or_else(|| headers.get(&SESSION_ID))
    else {
        let mut names = SESSIONS.iter().filter_map(|name| headers.get(name));
        // Theirs was never meant for a gateway: one that is no name says nothing.
        return Ok(names.find_map(|name| name.to_str().ok()?.parse().ok()));
    };
    // What is no text has no visible ASCII characters either; the parser says so.
    value.to_str().unwrap_or_default().parse().map(Some)
}

/// When the client stops waiting, if it says so.
fn deadline(headers: &HeaderMap) -> Result<Option<Instant>> {
    let Some(value) = headers.get(&TIMEOUT) else {
        return Ok(None);
    };
    let millis = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok());
    match millis {
        Some(millis @ 1..=LONGEST_TIMEOUT_MS) => Ok(Some(Instant::now() + wire::millis(millis))),
        _ => Err(Error::new(
            ErrorKind::InvalidRequest,
            "x-request-timeout-ms is a whole number of milliseconds from 1 to 86400000",
        )
        .with_param("x-request-timeout-ms")),
    }
}

/// What else than chat completions tells a conversation is translated for that, which takes longer.
async fn read(
    operation: Operation,
    body: Bytes,
    content_type: Option<HeaderValue>,
) -> Result<RequestBody> {
    if operation == Operation::ChatCompletion {
        return RequestBody::scan_for(operation, body, content_type);
    }
    let len = body.len();
    let scan = move || RequestBody::scan_for(operation, body, content_type);
    Box::pin(offload::by_length(len, scan)).await
}

fn no_such_route() -> Error {
    Error::new(
        ErrorKind::NotFound,
        "no such route here; the LLM port serves POST /v1/chat/completions and GET /v1/models, \
         among others",
    )
}

fn wrong_method(head: &Parts, allowed: &str) -> Error {
    let message = format!("{} is not allowed here; use {allowed}", head.method);
    Error::new(ErrorKind::MethodNotAllowed, message)
}

impl<S, B> Service<Request<B>> for ApiService<S>
where
    S: Service<Call, Response = Metered, Error = Error> + Clone + Send + Sync + 'static,
    S::Future: Send,
    B: HttpBody<Data: Buf, Error: Into<BoxError>> + Send + 'static,
    B::Data: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<
        Ready<Result<Response<Body>, Infallible>>,
        BoxFuture<'static, Result<Response<Body>, Infallible>>,
    >;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        let id = RequestId::new();
        let client = head.extensions.get::<ClientAddr>().map(|client| client.0);
        let named = conversation(&head.headers);
        let route = Route::of(&head.method, head.uri.path());
        let form = match &route {
            Ok(Route::Call(operation)) => ErrorForm::of(*operation),
            Ok(Route::Models | Route::Model) => models::form(&head.headers),
            _ => ErrorForm::OpenAi,
        };
        // What needs no waiting is done here, so that the head does not travel with the future.
        let (named, begun) = match named {
            Ok(named) => (named, self.begin(id, &mut head, route)),
            Err(error) => (None, Err(error)),
        };
        let answered = match begun {
            Ok(Begun::Call(operation, principal, deadline, codings, open, headers)) => {
                let shared = Arc::clone(&self.shared);
                let content_type = match operation {
                    Operation::ChatCompletion => None,
                    _ => head.headers.get(header::CONTENT_TYPE).cloned(),
                };
                return Either::Right(Box::pin(async move {
                    let mut conversation = named;
                    let mut stack = shared.face.stack.clone();
                    let answer = async {
                        let limits = BodyLimits {
                            bytes: shared.max_body_bytes,
                            timeouts: shared.body_timeouts,
                            memory: &shared.memory,
                            holder: Holder::Client(principal.key().short()),
                        };
                        let mut body = collect(body, limits).await?;
                        if !codings.is_empty() {
                            // Boxed: most requests need no room for it.
                            body = Box::pin(decoded(body, codings, limits)).await?;
                        }
                        let body = read(operation, body, content_type).await?;
                        let mut call = Call::new(id, principal, operation, body);
                        shared.face.threads.place(&mut call, conversation.take());
                        conversation = Some(call.conversation.clone());
                        call.headers = headers;
                        call.deadline = deadline;
                        stack.ready().await?.call(call).await
                    };
                    let mut response = match answer.await {
                        Ok(metered) => {
                            answer::metered(metered, form).map(|body| body.of_request(open))
                        }
                        Err(error) => {
                            shared.report(id, &error, client);
                            answer::error(&error, form)
                        }
                    };
                    answer::name(response.headers_mut(), id, conversation);
                    Ok(response)
                }));
            }
            Ok(Begun::Answered(response)) => Ok(response),
            Err(error) => Err(error),
        };
        let mut response = match answered {
            Ok(response) => response,
            Err(error) => {
                self.shared.report(id, &error, client);
                answer::error(&error, form)
            }
        };
        answer::name(response.headers_mut(), id, named);
        Either::Left(ready(Ok(response)))
    }
}
