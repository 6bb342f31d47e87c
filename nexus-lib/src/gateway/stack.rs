use tower::Layer;

use crate::gateway::dispatch::Dispatch;
use crate::meter::{Books, Meter, MeterLayer};
use crate::router::{Failover, FailoverLayer, RetryPolicy, Route, RouteLayer, Router};
use crate::wire::Hop;

/// What every call goes through, from the outside in.
pub type Stack = Route<Meter<Failover<Dispatch>>>;

/// Puts the layers around the providers.
pub(super) fn build(
    router: Router,
    books: Books,
    retries: RetryPolicy,
    providers: Dispatch,
    hop: Hop,
) -> Stack {
    // Innermost: one attempt goes to one provider.
    let attempts = providers;
    // Failover is inside the meter, so that one call is one row, however many providers it took.
    let answers = FailoverLayer::new(retries)
        .observers(books.observers.clone())
        .layer(attempts);
    // The meter is around everything that can spend tokens.
    let metered = MeterLayer::new(books).layer(answers);
    // Outermost: a call that nobody could answer was never sent, and needs no row.
    RouteLayer::new(router).hop(hop).layer(metered)
}
