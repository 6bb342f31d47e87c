//! The named places of the stack where an application's own layers go.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either};
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, ServiceExt};

use crate::call::{Attempt, Call, Routed};
use crate::error::{BoxError, Error, ErrorKind, Result};
use crate::gateway::guarded::Guard;
use crate::isolate;
use crate::late::until;

/// What passes a seam.
pub trait Request: Send + 'static {
    /// When its client stops waiting.
    fn deadline(&self) -> Option<Instant>;
}

impl Request for Call {
    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }
}

impl Request for Routed {
    fn deadline(&self) -> Option<Instant> {
        self.call().deadline
    }
}

impl Request for Attempt {
    fn deadline(&self) -> Option<Instant> {
        self.call().deadline
    }
}

type Boxed<Req, Res> = BoxCloneSyncService<Req, Res, Error>;
type Push<Req, Res> = Box<dyn FnOnce(Boxed<Req, Res>) -> Boxed<Req, Res> + Send + Sync>;

/// The layers of one place, outermost first.
pub(super) struct Layers<Req, Res>(Vec<Push<Req, Res>>);

impl<Req, Res> Default for Layers<Req, Res> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<Req: Request, Res: Guard> Layers<Req, Res> {
    /// Adds `layer` inside of those before it.
    pub(super) fn push<L>(&mut self, layer: L)
    where
        L: Layer<Boxed<Req, Res>> + Send + Sync + 'static,
        L::Service:
            Service<Req, Response = Res, Error: Into<BoxError>> + Clone + Send + Sync + 'static,
        <L::Service as Service<Req>>::Future: Send,
    {
        self.0.push(Box::new(move |inner| {
            Boxed::new(layer.layer(inner).map_err(|error| as_own(error.into())))
        }));
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `inner` behind these layers. Nothing is boxed where there are none.
    pub(super) fn around<S>(self, inner: S) -> Seam<Req, Res, S>
    where
        S: Service<Req, Response = Res, Error = Error> + Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        match self.is_empty() {
            true => Seam::Plain(inner),
            false => self.around_boxed(inner),
        }
    }

    /// `inner` behind these layers, boxed in any case. The seam's plain service may be any other.
    pub(super) fn around_boxed<S, P>(self, inner: S) -> Seam<Req, Res, P>
    where
        S: Service<Req, Response = Res, Error = Error> + Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        let pushes = self.0.into_iter().rev();
        let layered = pushes.fold(Boxed::new(inner), |inner, push| push(inner));
        Seam::Layered(Arc::new(layered))
    }
}

/// An error of a layer's: ours as it is, any other as a fault of the gateway.
fn as_own(error: BoxError) -> Error {
    match error.downcast::<Error>() {
        Ok(own) => *own,
        Err(other) => failed(other),
    }
}

pub(super) fn failed(cause: impl Into<BoxError>) -> Error {
    let message =
        "a layer of this gateway failed at this request; its operator finds more in the log";
    Error::new(ErrorKind::Internal, message).with_source(cause)
}

/// A service behind an application's layers, or as it is.
///
/// A layer's readiness is awaited within the call. There a panic is an error of this one request,
/// and a layer that never answers ends at the client's deadline.
pub enum Seam<Req, Res, S> {
    /// Without layers.
    #[doc(hidden)]
    Plain(S),
    /// Behind layers. Shared, so that the stack's clones cost no allocation.
    #[doc(hidden)]
    Layered(Arc<BoxCloneSyncService<Req, Res, Error>>),
}

opaque_debug!(Seam<Q, R, S>);

impl<Req, Res, S: Clone> Clone for Seam<Req, Res, S> {
    fn clone(&self) -> Self {
        match self {
            Self::Plain(inner) => Self::Plain(inner.clone()),
            Self::Layered(layered) => Self::Layered(Arc::clone(layered)),
        }
    }
}

impl<Req, Res, S> Service<Req> for Seam<Req, Res, S>
where
    Req: Request,
    Res: Guard,
    S: Service<Req, Response = Res, Error = Error>,
{
    type Response = Res;
    type Error = Error;
    type Future = Either<S::Future, BoxFuture<'static, Result<Res>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match self {
            Self::Plain(inner) => inner.poll_ready(cx),
            Self::Layered(_) => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, request: Req) -> Self::Future {
        match self {
            Self::Plain(inner) => Either::Left(inner.call(request)),
            Self::Layered(layered) => {
                Either::Right(Box::pin(through(Arc::clone(layered), request)))
            }
        }
    }
}

async fn through<Req: Request, Res: Guard>(
    layered: Arc<Boxed<Req, Res>>,
    request: Req,
) -> Result<Res> {
    let deadline = request.deadline();
    let answered = isolate::wait(async move { Boxed::clone(&layered).oneshot(request).await });
    let answered = answered.map(|answered| {
        answered.unwrap_or_else(|panicked| {
            let error = failed(panicked);
            tracing::error!(error = error.report(), "a layer panicked");
            Err(error)
        })
    });
    let answer = until(deadline, answered).await?;
    Ok(answer.guarded(deadline))
}
