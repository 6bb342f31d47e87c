use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Buf;
use futures_util::future::{BoxFuture, Either};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body::Body as HttpBody;
use tower::Service;

use crate::body_memory::Holder;
use crate::call::{Call, Metered, Operation, Principal};
use crate::coding::Coding;
use crate::error::{BoxError, Error, ErrorKind, Result};
use crate::http::api::error_form::ErrorForm;
use crate::http::api::route::{NoRoute, Route};
use crate::http::api::{answer, models, operations, route};
use crate::http::collect::{BodyLimits, collect};
use crate::http::decode::{codings_of, decoded};
use crate::http::ws::{self, Sockets};
use crate::http::{Body, BodyTimeouts, ClientAddr, respond};
use crate::intake::{self, Arrival, Credentials, Intake, OpenRequest, Passport, conversation};
use crate::observe::Edge;
use crate::wire::{ConversationId, RequestId};

/// The LLM port as a tower service. It is always ready, never fails, and a clone is the same port.
///
/// `S` is what answers its calls: the gateway's stack, or any other service that meters them.
#[derive(Clone)]
pub struct ApiService<S> {
    shared: Arc<Shared<S>>,
}

opaque_debug!(ApiService<S>);

/// What the LLM port is made of.
pub(crate) struct ApiParts<S> {
    pub(crate) intake: Intake<S>,
    pub(crate) max_body_bytes: usize,
    pub(crate) body_timeouts: BodyTimeouts,
    pub(crate) sockets: Sockets,
}

struct Shared<S> {
    /// Shared with the sockets.
    intake: Arc<Intake<S>>,
    /// Held for as long as the port is served.
    sockets: Sockets,
    max_body_bytes: usize,
    body_timeouts: BodyTimeouts,
}

/// What a request's head comes to.
enum Begun {
    Answered(Response<Body>),
    /// With the codings of its body.
    Call(Arrival, Vec<Coding>, OpenRequest),
    /// The application is to say who asks.
    Asking(Entered),
}

/// A request that was let in, and whose client is not known yet.
struct Entered {
    route: Route,
    /// Of a call whose client the application is asked about.
    open: Option<OpenRequest>,
    /// The gateways that it has passed.
    passed: Option<HeaderValue>,
}

impl<S> ApiService<S> {
    pub(crate) fn over(parts: ApiParts<S>) -> Self {
        let shared = Shared {
            intake: Arc::new(parts.intake),
            sockets: parts.sockets,
            max_body_bytes: parts.max_body_bytes,
            body_timeouts: parts.body_timeouts,
        };
        Self {
            shared: Arc::new(shared),
        }
    }
}

impl<S> Shared<S>
where
    S: Service<Call, Response = Metered, Error = Error> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    /// All that can be said before the body is read, and without waiting.
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
                self.report(id, &error, client);
                let mut response = ErrorForm::OpenAi.response(&error);
                answer::allow(&mut response, allowed);
                response
            }
            Ok(Route::Health) => answer::healthy(),
            Ok(Route::OpenApi) => respond::json_bytes(StatusCode::OK, operations::whole()),
            Ok(route) => {
                let mut entered = Entered {
                    route,
                    open: None,
                    // Before the key: a request that has been here comes from this gateway itself.
                    passed: match route {
                        Route::Call(_) | Route::Socket => {
                            self.intake.hop().arrives(&head.headers)?
                        }
                        _ => None,
                    },
                };
                let known = match route {
                    Route::Socket => {
                        let key = ws::key_among_protocols(&head.headers)?;
                        self.intake.recognise(&shown(head, route, key.as_deref()))
                    }
                    _ => self.intake.recognise(&shown(head, route, None)),
                };
                return match known {
                    Some(principal) => self.go_on(id, head, entered, principal),
                    None => {
                        if let Route::Call(_) = route {
                            // There is a bound on how many are asked about at once.
                            entered.open = Some(self.intake.admit()?);
                        }
                        Ok(Begun::Asking(entered))
                    }
                };
            }
        };
        Ok(Begun::Answered(answer))
    }

    /// Asks the application who the client is, and goes on with that.
    async fn ask(&self, id: RequestId, head: &mut Parts, entered: Entered) -> Result<Begun> {
        let route = entered.route;
        let key = match route {
            Route::Socket => ws::key_among_protocols(&head.headers)?,
            _ => None,
        };
        let principal = self.intake.ask(&shown(head, route, key.as_deref())).await;
        self.go_on(id, head, entered, principal)
    }

    /// What a request comes to whose client is known, or is not.
    fn go_on(
        &self,
        id: RequestId,
        head: &mut Parts,
        Entered {
            route,
            open,
            passed,
        }: Entered,
        principal: Result<Principal>,
    ) -> Result<Begun> {
        let answer = match route {
            Route::Call(operation) => {
                let principal = principal?;
                let passport = Passport::read(&head.headers, passed)?;
                let codings = codings_of(&head.headers)?;
                let open = open.map_or_else(|| self.intake.admit(), Ok)?;
                let passport = passport.with(std::mem::take(&mut head.extensions));
                let arrival = Arrival {
                    operation,
                    ..Arrival::chat(id, principal, passport)
                };
                return Ok(Begun::Call(arrival, codings, open));
            }
            Route::Socket => self.open_socket(head, passed, principal)?,
            _ => {
                let form = models::form(&head.headers);
                match route::model_name(head.uri.path()) {
                    Some(name) => models::one(&principal?, form, name)?,
                    None => models::list(&principal?, form, head.uri.query())?,
                }
            }
        };
        Ok(Begun::Answered(answer))
    }

    /// Takes a WebSocket. A key that is shown must be valid; one that is not shown here has to come
    /// as the first frame.
    fn open_socket(
        &self,
        head: &mut Parts,
        passed: Option<HeaderValue>,
        principal: Result<Principal>,
    ) -> Result<Response<Body>> {
        let is_shown = Credentials::of(&head.headers, &head.extensions, Edge::Socket)
            .key
            .is_some()
            || ws::key_among_protocols(&head.headers)?.is_some();
        let principal = match principal {
            Ok(principal) => Some(principal),
            Err(error) if is_shown || error.kind() != ErrorKind::InvalidApiKey => {
                return Err(error);
            }
            Err(_) => None,
        };
        let passport = Passport::read(&head.headers, passed)?;
        ws::accept(&self.intake, &self.sockets, head, principal, passport)
    }

    /// Reads the body, makes the call and answers it.
    async fn answer<B>(
        &self,
        arrival: Arrival,
        codings: Vec<Coding>,
        content_type: Option<HeaderValue>,
        body: B,
        conversation: &mut Option<ConversationId>,
    ) -> Result<Metered>
    where
        B: HttpBody<Data: Buf, Error: Into<BoxError>> + Send,
    {
        let limits = BodyLimits {
            bytes: self.max_body_bytes,
            timeouts: self.body_timeouts,
            memory: self.intake.memory(),
            holder: Holder::Client(arrival.principal.identity().short()),
        };
        let mut body = collect(body, limits).await?;
        if !codings.is_empty() {
            // Boxed: most requests need no room for it.
            body = Box::pin(decoded(body, codings, limits)).await?;
        }
        let body = intake::read(arrival.operation, body, content_type).await?;
        let body = body.counted_in(limits.memory, limits.holder);
        let call = self.intake.call(arrival, body);
        *conversation = Some(call.conversation.clone());
        self.intake.send(call).await
    }
}

/// What the client shows of itself. A key among a socket's subprotocols stands behind one in a
/// header.
fn shown<'a>(head: &'a Parts, route: Route, key: Option<&'a [u8]>) -> Credentials<'a> {
    let edge = match route {
        Route::Socket => Edge::Socket,
        _ => Edge::Api,
    };
    let shown = Credentials::of(&head.headers, &head.extensions, edge);
    match (shown.key, key) {
        (None, Some(key)) => shown.with_key(key),
        _ => shown,
    }
}

impl<S> Shared<S> {
    fn report(&self, id: RequestId, error: &Error, client: Option<IpAddr>) {
        (self.intake.refusals()).report(Edge::Api, id, error, client);
    }
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
        let addr = head.extensions.get::<ClientAddr>().map(|client| client.0);
        let named = conversation(&head.headers);
        let route = Route::of(&head.method, head.uri.path());
        let form = match &route {
            Ok(Route::Call(operation)) => ErrorForm::of(*operation),
            Ok(Route::Models | Route::Model) => models::form(&head.headers),
            _ => ErrorForm::OpenAi,
        };
        // What needs no waiting is done here, so that the head does not travel with the future.
        let (named, begun) = match named {
            Ok(named) => (named, self.shared.begin(id, &mut head, route)),
            Err(error) => (None, Err(error)),
        };
        let client = Client { id, form, addr };
        match begun {
            Ok(Begun::Call(mut arrival, codings, open)) => {
                arrival.conversation = named;
                let content_type = content_type(&arrival, &head);
                let call = (arrival, codings, open, content_type);
                Either::Right(Box::pin(respond_to(
                    Arc::clone(&self.shared),
                    client,
                    call,
                    body,
                )))
            }
            Ok(Begun::Asking(entered)) => {
                let shared = Arc::clone(&self.shared);
                Either::Right(Box::pin(async move {
                    match shared.ask(id, &mut head, entered).await {
                        Ok(Begun::Call(mut arrival, codings, open)) => {
                            arrival.conversation = named;
                            let content_type = content_type(&arrival, &head);
                            let call = (arrival, codings, open, content_type);
                            respond_to(shared, client, call, body).await
                        }
                        begun => Ok(client.answered(&shared, begun, named)),
                    }
                }))
            }
            begun => Either::Left(ready(Ok(client.answered(&self.shared, begun, named)))),
        }
    }
}

/// Who is answered, and how.
#[derive(Clone, Copy)]
struct Client {
    id: RequestId,
    form: ErrorForm,
    addr: Option<IpAddr>,
}

impl Client {
    /// The response of a request that no call came of.
    fn answered<S>(
        self,
        shared: &Shared<S>,
        begun: Result<Begun>,
        named: Option<ConversationId>,
    ) -> Response<Body> {
        let mut response = match begun {
            Ok(Begun::Answered(response)) => response,
            // There is nobody left to be asked.
            Ok(_) => self.refused(shared, &no_such_route()),
            Err(error) => self.refused(shared, &error),
        };
        answer::name(response.headers_mut(), self.id, named);
        response
    }

    fn refused<S>(self, shared: &Shared<S>, error: &Error) -> Response<Body> {
        shared.report(self.id, error, self.addr);
        answer::error(error, self.form)
    }
}

/// What a body is, where that is not known.
fn content_type(arrival: &Arrival, head: &Parts) -> Option<HeaderValue> {
    match arrival.operation {
        Operation::ChatCompletion => None,
        _ => head.headers.get(header::CONTENT_TYPE).cloned(),
    }
}

type ArrivedCall = (Arrival, Vec<Coding>, OpenRequest, Option<HeaderValue>);

async fn respond_to<S, B>(
    shared: Arc<Shared<S>>,
    client: Client,
    (arrival, codings, open, content_type): ArrivedCall,
    body: B,
) -> Result<Response<Body>, Infallible>
where
    S: Service<Call, Response = Metered, Error = Error> + Clone + Send + Sync + 'static,
    S::Future: Send,
    B: HttpBody<Data: Buf, Error: Into<BoxError>> + Send,
{
    let mut conversation = arrival.conversation.clone();
    let answer = shared.answer(arrival, codings, content_type, body, &mut conversation);
    let mut response = match answer.await {
        Ok(metered) => answer::metered(metered, client.form).map(|body| body.of_request(open)),
        Err(error) => client.refused(&shared, &error),
    };
    answer::name(response.headers_mut(), client.id, conversation);
    Ok(response)
}
