use std::future::ready;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tower::Service;

use crate::call::{Attempt, ProviderProfile, Reply};
use crate::error::{Error, ErrorKind, Result};
use crate::isolate::{self, Panicked};
use crate::memory::Recent;
use crate::provider::{ByKind, Provider, count_tokens, redact, through_chat};
use crate::translate::ClientProtocol;
use crate::wire::Operation;

/// Passes each attempt to the implementation of its provider's kind.
#[derive(Clone)]
pub struct Dispatch {
    providers: ByKind,
    /// Nothing of a request may be dropped in translation.
    is_strict: bool,
    recent: Recent,
}

opaque_debug!(Dispatch);

impl Dispatch {
    pub(super) fn new(providers: ByKind, is_strict: bool, recent: Recent) -> Self {
        Self {
            providers,
            is_strict,
            recent,
        }
    }
}

/// Operations that `provider` does not support are sent as chat completions.
async fn send_foreign(
    provider: &dyn Provider,
    attempt: Attempt,
    is_strict: bool,
    recent: &Recent,
) -> Result<Reply> {
    match (ClientProtocol::of(attempt.operation()), attempt.operation()) {
        (Some(client), _) => through_chat(provider, client, attempt, is_strict, recent).await,
        (None, Operation::TokenCount) => count_tokens(&attempt).await,
        (None, _) => provider.send(attempt).await,
    }
}

impl Service<Attempt> for Dispatch {
    type Response = Reply;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Reply>>;

    /// Always ready: providers accept attempts concurrently.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, attempt: Attempt) -> Self::Future {
        let provider = self.providers.get(&attempt.target().provider.kind).cloned();
        let Some(provider) = provider else {
            let refusal = Error::new(
                ErrorKind::UpstreamUnreachable,
                "this gateway was built without the provider's kind; ask its operator",
            );
            return Box::pin(ready(Err(refusal)));
        };
        let profile = Arc::clone(&attempt.target().provider);
        // Separate futures: the usual one does not reserve space for the rare one.
        match isolate::call(|| provider.speaks(attempt.operation())) {
            Ok(true) => {
                let sent = async move { provider.send(attempt).await };
                Box::pin(guarded(profile, sent))
            }
            Ok(false) => {
                let (is_strict, recent) = (self.is_strict, self.recent.clone());
                Box::pin(guarded(profile, async move {
                    send_foreign(&*provider, attempt, is_strict, &recent).await
                }))
            }
            Err(panicked) => Box::pin(ready(Err(broken(panicked)))),
        }
    }
}

/// The outcome of an attempt, without the provider's key. If an implementation panics, this attempt
/// has failed: the next candidate is asked.
fn guarded(
    profile: Arc<ProviderProfile>,
    sent: impl Future<Output = Result<Reply>>,
) -> impl Future<Output = Result<Reply>> {
    isolate::wait(sent).map(move |outcome| {
        let outcome = outcome.unwrap_or_else(|panicked| Err(broken(panicked)));
        redact::outcome(outcome, &profile)
    })
}

fn broken(panicked: Panicked) -> Error {
    let message =
        "the gateway's implementation of this provider panicked; ask the operator to check the log";
    Error::new(ErrorKind::UpstreamInvalid, message).with_source(panicked)
}
