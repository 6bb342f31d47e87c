use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tower::Service;

use crate::call::{Attempt, Reply};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::ByKind;

/// Hands each attempt to the implementation of its provider's kind.
#[derive(Clone)]
pub struct Dispatch {
    providers: ByKind,
}

impl Dispatch {
    pub(super) fn new(providers: ByKind) -> Self {
        Self { providers }
    }
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
        Box::pin(async move {
            match provider {
                Some(provider) => provider.send(attempt).await,
                None => Err(Error::new(
                    ErrorKind::UpstreamUnreachable,
                    "this gateway was built without the provider's kind; ask its operator",
                )),
            }
        })
    }
}
