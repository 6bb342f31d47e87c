use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tower::{Layer, Service};

use crate::call::{Attempt, Call, Metered, Reply, Routed, Tapped};
use crate::error::{Error, Result};
use crate::gateway::dispatch::Dispatch;
use crate::gateway::seam::{Layers, Seam};
use crate::meter::{Books, Meter, MeterLayer};
use crate::router::{Failover, FailoverLayer, RetryPolicy, Route, RouteLayer, Router};
use crate::wire::Hop;

/// What every call goes through, from the outside in.
pub type Stack = Seam<Call, Metered, Route<Meter<Replies>>>;
type Replies = Seam<Routed, Reply, Failover<Attempts>>;
type Attempts = Seam<Attempt, Reply, Dispatch>;

/// An application's own layers, by their place.
#[derive(Default)]
pub(super) struct OwnLayers {
    pub(super) calls: Layers<Call, Metered>,
    pub(super) replies: Layers<Routed, Reply>,
    pub(super) attempts: Layers<Attempt, Reply>,
}

/// Puts the layers around the providers.
pub(super) fn build(
    router: Router,
    books: Books,
    retries: RetryPolicy,
    providers: Dispatch,
    hop: Hop,
    own: OwnLayers,
) -> Stack {
    // Innermost: one attempt goes to one provider. Own layers see each attempt.
    let attempts = own.attempts.around(providers);
    // Failover is inside the meter, so that one call is one row, however many providers it took.
    let answers = FailoverLayer::new(retries)
        .observers(books.observers.clone())
        .layer(attempts);
    // Inside the meter, so that all that own layers answer, refuse and throw away is on the ledger.
    let replies = own.replies.around_tapped(answers);
    // The meter is around everything that can spend tokens.
    let metered = MeterLayer::new(books).layer(replies);
    // A call that nobody could answer was never sent, and needs no row.
    let routed = RouteLayer::new(router).hop(hop).layer(metered);
    // Outermost: what rewrites a call may change the model, and with it the route.
    own.calls.around(routed)
}

impl Layers<Routed, Reply> {
    /// `inner` behind these layers, counted where there are any: they may throw away what was paid
    /// for.
    fn around_tapped(self, inner: Failover<Attempts>) -> Replies {
        match self.is_empty() {
            true => Seam::Plain(inner),
            false => self.around_boxed(Tap(inner)),
        }
    }
}

/// Counts what answers cost on their way to layers.
#[derive(Clone)]
struct Tap<S>(S);

impl<S> Service<Routed> for Tap<S>
where
    S: Service<Routed, Response = Reply, Error = Error, Future = BoxFuture<'static, Result<Reply>>>,
{
    type Response = Reply;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Reply>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, routed: Routed) -> Self::Future {
        let answered = self.0.call(routed.clone());
        Box::pin(async move { Ok(Tapped::of(&routed, answered.await?)) })
    }
}
