//! An application's own layers, in each of their places.

mod alone;
mod bad;
mod places;

use futures_util::future::BoxFuture;
use nexus_lib::call::{Attempt, Call, Metered, Reply, Routed};
use nexus_lib::gateway::{AttemptService, CallService, ReplyService};
use nexus_lib::{GatewayBuilder, Result};
use tower::layer::layer_fn;
use tower::util::BoxCloneSyncService;
use tower::{ServiceExt, service_fn};

/// What a layer of a test does with a request and the service behind it.
pub(super) type Through<Req, Res> = fn(Inner<Req, Res>, Req) -> BoxFuture<'static, Result<Res>>;

/// The service behind a layer.
pub(super) struct Inner<Req, Res>(BoxCloneSyncService<Req, Res, nexus_lib::Error>);

impl<Req: Send + 'static, Res: 'static> Inner<Req, Res> {
    pub(super) async fn answer(&self, request: Req) -> Result<Res> {
        self.0.clone().oneshot(request).await
    }
}

/// `builder` with one more layer of calls.
pub(super) fn calls(builder: GatewayBuilder, through: Through<Call, Metered>) -> GatewayBuilder {
    builder.layer_calls(layer_fn(move |inner: CallService| {
        service_fn(move |call| through(Inner(inner.clone()), call))
    }))
}

/// `builder` with one more layer of replies.
pub(super) fn replies(builder: GatewayBuilder, through: Through<Routed, Reply>) -> GatewayBuilder {
    builder.layer_replies(layer_fn(move |inner: ReplyService| {
        service_fn(move |routed| through(Inner(inner.clone()), routed))
    }))
}

/// `builder` with one more layer of attempts.
pub(super) fn attempts(
    builder: GatewayBuilder,
    through: Through<Attempt, Reply>,
) -> GatewayBuilder {
    builder.layer_attempts(layer_fn(move |inner: AttemptService| {
        service_fn(move |attempt| through(Inner(inner.clone()), attempt))
    }))
}
