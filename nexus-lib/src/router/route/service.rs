use std::task::{Context, Poll};

use futures_util::future::Either;
use tower::Service;

use crate::call::{Call, Routed};
use crate::error::{Error, ErrorKind, Result};
use crate::router::Router;
use crate::wire::Hop;

/// Passes calls on with their candidates. See [`RouteLayer`](crate::router::RouteLayer).
#[derive(Debug, Clone)]
pub struct Route<S> {
    router: Router,
    hop: Hop,
    inner: S,
}

impl<S> Route<S> {
    pub(super) fn new(router: Router, hop: Hop, inner: S) -> Self {
        Self { router, hop, inner }
    }

    fn route(&self, mut call: Call) -> Result<Routed> {
        let candidates = (self.router).candidates(&call.principal, call.body.model(), call.only)?;
        let candidates = self.router.speaking(call.operation, candidates)?;
        // Here, since every call passes: from both ports, from WebSockets and from the application.
        self.hop.mark(&mut call.headers);
        Routed::new(call, candidates)
            .ok_or_else(|| Error::new(ErrorKind::ModelNotFound, "the model has no provider"))
    }
}

impl<S> Service<Call> for Route<S>
where
    S: Service<Routed, Error = Error>,
{
    type Response = S::Response;
    type Error = Error;
    type Future = Either<S::Future, std::future::Ready<Result<S::Response>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        match self.route(call) {
            Ok(routed) => Either::Left(self.inner.call(routed)),
            Err(error) => Either::Right(std::future::ready(Err(error))),
        }
    }
}
