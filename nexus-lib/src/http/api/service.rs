use std::convert::Infallible;
use std::task::{Context, Poll};

use bytes::Buf;
use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Request, Response};
use http_body::Body as HttpBody;
use tower::Service;

use crate::call::{Call, Metered};
use crate::error::{BoxError, Error, ErrorKind, Result};
use crate::http::Body;
use crate::http::api::credentials::presented_key;
use crate::http::api::route::{NoRoute, Route};
use crate::http::api::{answer, chat, models};
use crate::registry::Registry;
use crate::wire::{ConversationId, RequestId};

static CONVERSATION_ID: HeaderName = HeaderName::from_static("x-conversation-id");
static SESSION_ID: HeaderName = HeaderName::from_static("x-session-id");

/// The LLM port as a tower service. It is always ready, never fails, and a clone is the same port.
///
/// `S` is what answers its calls: the gateway's stack, or any other service that meters them.
#[derive(Clone)]
pub struct ApiService<S> {
    registry: Registry,
    stack: S,
    max_body_bytes: usize,
}

impl<S> ApiService<S>
where
    S: Service<Call, Response = Metered, Error = Error>,
{
    pub(crate) fn new(registry: Registry, stack: S, max_body_bytes: usize) -> Self {
        Self {
            registry,
            stack,
            max_body_bytes,
        }
    }

    async fn respond<B>(self, request: Request<B>) -> Response<Body>
    where
        B: HttpBody<Data: Buf, Error: Into<BoxError>>,
    {
        let (head, body) = request.into_parts();
        let id = RequestId::new();
        let named = conversation(&head.headers);
        let conversation = named.as_ref().ok().cloned().flatten();
        let conversation = conversation.unwrap_or_else(|| ConversationId::begun_by(id));
        let mut response = match Route::of(&head.method, head.uri.path()) {
            Ok(route) => {
                let names = (id, conversation.clone());
                match named {
                    Ok(_) => self.serve(route, names, (head, body)).await,
                    Err(error) => Err(error),
                }
                .unwrap_or_else(|error| answer::error(&error))
            }
            Err(missing) => no_route(&head, missing),
        };
        answer::name(response.headers_mut(), id, &conversation);
        response
    }

    async fn serve<B>(
        self,
        route: Route,
        names: (RequestId, ConversationId),
        (head, body): (Parts, B),
    ) -> Result<Response<Body>>
    where
        B: HttpBody<Data: Buf, Error: Into<BoxError>>,
    {
        if route == Route::Health {
            return Ok(answer::healthy());
        }
        let principal = self.registry.authenticate(presented_key(&head.headers)?)?;
        if route == Route::Models {
            return Ok(models::list(&principal));
        }
        let metered = chat::complete(
            self.stack,
            principal,
            names,
            (head, body),
            self.max_body_bytes,
        )
        .await?;
        Ok(answer::metered(metered))
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

fn no_route(head: &Parts, missing: NoRoute) -> Response<Body> {
    match missing {
        NoRoute::Path => answer::error(&Error::new(
            ErrorKind::NotFound,
            "no such route here; the LLM port serves POST /v1/chat/completions and GET /v1/models",
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
    S: Service<Call, Response = Metered, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
    B: HttpBody<Data: Buf, Error: Into<BoxError>> + Send + 'static,
    B::Data: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.respond(request).await) })
    }
}
