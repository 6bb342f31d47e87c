use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tower::Service;

use crate::call::{Attempt, Reply};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::{ByKind, Provider, through_chat};
use crate::translate::ClientProtocol;
use crate::wire::Operation;

/// Hands each attempt to the implementation of its provider's kind.
#[derive(Clone)]
pub struct Dispatch {
    providers: ByKind,
    /// Nothing of a request is left out in translation.
    is_strict: bool,
}

impl Dispatch {
    pub(super) fn new(providers: ByKind, is_strict: bool) -> Self {
        Self {
            providers,
            is_strict,
        }
    }
}

/// The client's protocol, if it is one that `provider` does not speak.
fn foreign(provider: &dyn Provider, operation: Operation) -> Option<ClientProtocol> {
    ClientProtocol::of(operation).filter(|_| !provider.speaks(operation))
}

impl Service<Attempt> for Dispatch {
    type Response = Reply;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Reply>>;

    /// Always: providers take attempts concurrently.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, attempt: Attempt) -> Self::Future {
        let provider = self.providers.get(&attempt.target().provider.kind).cloned();
        let is_strict = self.is_strict;
        Box::pin(async move {
            match provider {
                Some(provider) => match foreign(&*provider, attempt.operation()) {
                    None => provider.send(attempt).await,
                    Some(client) => through_chat(&*provider, client, attempt, is_strict).await,
                },
                None => Err(Error::new(
                    ErrorKind::UpstreamUnreachable,
                    "this gateway was built without the provider's kind; ask its operator",
                )),
            }
        })
    }
}
