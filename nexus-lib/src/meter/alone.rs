//! A service of an application's own on a ledger, without a gateway around it.

use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tower::{Layer, Service};

use crate::call::{Attempt, Call, Metered, ProviderProfile, Reply, Routed, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::estimate::Estimator;
use crate::late::until;
use crate::ledger::UsageLedger;
use crate::meter::{Books, Meter, MeterLayer};
use crate::wire::ModelId;

/// Puts the calls of any service on a ledger. See [`UsageLedger::layer`].
#[derive(Clone)]
pub struct LedgerLayer {
    meter: MeterLayer,
    estimator: Estimator,
    profile: Arc<ProviderProfile>,
}

opaque_debug!(LedgerLayer);

impl LedgerLayer {
    /// Resolves once the tokens of all calls that are over are counted, and their rows settled.
    /// Close the ledger after it.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the counting died.
    ///
    /// # Cancel safety
    /// Call it again to go on.
    pub async fn close(&self) -> Result<()> {
        self.estimator.close().await
    }
}

impl UsageLedger {
    /// A layer that puts the calls of any service on this ledger, with all that a gateway promises:
    /// a call's row is there before the first byte of its answer, its tokens before the last, and a
    /// call that is dropped is settled. `name` is the provider's on the rows.
    ///
    /// For an application that has a stack of its own, and no registry. The service gets each call
    /// as the one attempt at it.
    ///
    /// Must be called on a tokio runtime.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for a name that is no header value.
    pub fn layer(&self, name: &str) -> Result<LedgerLayer> {
        let books = Books::new(self.clone());
        Ok(LedgerLayer {
            estimator: books.estimator.clone(),
            meter: MeterLayer::new(books),
            profile: Arc::new(ProviderProfile::in_process(name)?),
        })
    }
}

impl<S> Layer<S> for LedgerLayer {
    type Service = OnLedger<S>;

    fn layer(&self, inner: S) -> Self::Service {
        OnLedger {
            inner: self.meter.layer(Once(inner)),
            profile: Arc::clone(&self.profile),
        }
    }
}

/// A service whose calls are on a ledger. See [`UsageLedger::layer`].
#[derive(Clone)]
pub struct OnLedger<S> {
    inner: Meter<Once<S>>,
    profile: Arc<ProviderProfile>,
}

opaque_debug!(OnLedger<S>);

impl<S> Service<Call> for OnLedger<S>
where
    S: Service<Attempt, Response = Reply, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Metered;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Metered>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let target = Target {
            provider: Arc::clone(&self.profile),
            model_id: ModelId(0),
            model: call.body.model().into(),
            upstream_model: None,
            is_slow: false,
            proxies: None,
            created_at: call.started_at,
        };
        match Routed::new(call, [target].into()) {
            Some(routed) => self.inner.call(routed),
            None => Box::pin(async { Err(unroutable()) }),
        }
    }
}

/// Makes the one attempt at a call.
#[derive(Clone)]
struct Once<S>(S);

impl<S> Service<Routed> for Once<S>
where
    S: Service<Attempt, Response = Reply, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Reply;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Reply>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, routed: Routed) -> Self::Future {
        let deadline = routed.call().deadline;
        let Some(attempt) = routed.attempt(0) else {
            return Box::pin(async { Err(unroutable()) });
        };
        Box::pin(until(deadline, self.0.call(attempt)))
    }
}

fn unroutable() -> Error {
    Error::new(ErrorKind::Internal, "the call had no candidate")
}
