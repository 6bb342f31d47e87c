use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Buf;
use futures_util::future::{BoxFuture, Either};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Request, Response, header};
use http_body::Body as HttpBody;
use tower::{Service, ServiceExt};

use crate::call::{Call, Metered, Operation, Principal, RequestBody};
use crate::error::{BoxError, Error, ErrorKind, Result};
use crate::http::Body;
use crate::http::api::credentials::presented_key;
use crate::http::api::route::{NoRoute, Route};
use crate::http::api::{answer, models};
use crate::http::collect::collect;
use crate::provider::headers::forwardable;
use crate::registry::Registry;
use crate::thread::Threads;
use crate::wire::{self, ConversationId, RequestId};

static CONVERSATION_ID: HeaderName = HeaderName::from_static("x-conversation-id");
static TIMEOUT: HeaderName = HeaderName::from_static("x-request-timeout-ms");
static SESSION_ID: HeaderName = HeaderName::from_static("x-session-id");

/// The LLM port as a tower service. It is always ready, never fails, and a clone is the same port.
///
/// `S` is what answers its calls: the gateway's stack, or any other service that meters them.
#[derive(Clone)]
pub struct ApiService<S> {
    shared: Arc<Shared<S>>,
}

struct Shared<S> {
    registry: Registry,
    threads: Threads,
    /// Cloned for each call.
    stack: S,
    max_body_bytes: usize,
}

/// A day.
const LONGEST_TIMEOUT_MS: u32 = 86_400_000;

/// What a request's head comes to.
enum Begun {
    Answered(Response<Body>),
    Call(Operation, Principal, Option<Instant>),
}

impl<S> ApiService<S> {
    pub(crate) fn new(
        registry: Registry,
        threads: Threads,
        stack: S,
        max_body_bytes: usize,
    ) -> Self {
        let shared = Shared {
            registry,
            threads,
            stack,
            max_body_bytes,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// All that can be said before the body is read.
    fn begin(&self, head: &Parts) -> Result<Begun> {
        let answer = match Route::of(&head.method, head.uri.path()) {
            Err(missing) => no_route(head, missing),
            Ok(Route::Health) => answer::healthy(),
            Ok(route) => {
                let key = presented_key(&head.headers)?;
                let principal = self.shared.registry.authenticate(key)?;
                if let Route::Call(operation) = route {
                    let deadline = deadline(&head.headers)?;
                    return Ok(Begun::Call(operation, principal, deadline));
                }
                models::list(&principal)
            }
        };
        Ok(Begun::Answered(answer))
    }
}

/// The conversation that the client names, if it names one.
fn conversation(headers: &HeaderMap) -> Result<Option<ConversationId>> {
    let Some(value) = headers
        .get(&CONVERSATION_ID)
        .or_else(|| headers.get(&SESSION_ID))
    else {
        return Ok(None);
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

fn no_route(head: &Parts, missing: NoRoute) -> Response<Body> {
    match missing {
        NoRoute::Path => answer::error(&Error::new(
            ErrorKind::NotFound,
            "no such route here; the LLM port serves POST /v1/chat/completions and GET /v1/models, \
             among others",
        )),
        NoRoute::Method(allowed) => {
            let message = format!("{} is not allowed here; use {allowed}", head.method);
            let mut response = answer::error(&Error::new(ErrorKind::MethodNotAllowed, message));
            answer::allow(&mut response, allowed);
            response
        }
    }
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
        let (head, body) = request.into_parts();
        let id = RequestId::new();
        let named = conversation(&head.headers);
        // What needs no waiting is done here, so that the head does not travel with the future.
        let (named, begun) = match named {
            Ok(named) => (named, self.begin(&head)),
            Err(error) => (None, Err(error)),
        };
        let answered = match begun {
            Ok(Begun::Call(operation, principal, deadline)) => {
                let (shared, headers) = (Arc::clone(&self.shared), forwardable(&head.headers));
                let content_type = match operation {
                    Operation::ChatCompletion => None,
                    _ => head.headers.get(header::CONTENT_TYPE).cloned(),
                };
                return Either::Right(Box::pin(async move {
                    let mut conversation = named;
                    let mut stack = shared.stack.clone();
                    let answer = async {
                        let body = collect(body, shared.max_body_bytes).await?;
                        let body = RequestBody::scan_for(operation, body, content_type)?;
                        let mut call = Call::new(id, principal, operation, body);
                        shared.threads.place(&mut call, conversation.take());
                        conversation = Some(call.conversation.clone());
                        call.headers = headers;
                        call.deadline = deadline;
                        stack.ready().await?.call(call).await
                    };
                    let mut response = match answer.await {
                        Ok(metered) => answer::metered(metered),
                        Err(error) => answer::error(&error),
                    };
                    answer::name(response.headers_mut(), id, conversation);
                    Ok(response)
                }));
            }
            Ok(Begun::Answered(response)) => response,
            Err(error) => answer::error(&error),
        };
        let mut response = answered;
        answer::name(response.headers_mut(), id, named);
        Either::Left(ready(Ok(response)))
    }
}
