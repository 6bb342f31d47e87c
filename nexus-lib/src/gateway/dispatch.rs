use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tower::Service;

use crate::call::{Attempt, Reply};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::Provider;

/// Hands each attempt to the implementation of its provider's kind.
#[derive(Clone)]
pub struct Dispatch {
    /// A handful, by kind: looking at each is quicker than hashing.
    providers: Arc<[(&'static str, Arc<dyn Provider>)]>,
}

impl Dispatch {
    pub(super) fn new(providers: Vec<(&'static str, Arc<dyn Provider>)>) -> Self {
        Self {
            providers: providers.into(),
        }
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
        let kind = &*attempt.target().provider.kind;
        let mut providers = self.providers.iter();
        let provider = providers.find(|(known, _)| *known == kind);
        let provider = provider.map(|(_, provider)| Arc::clone(provider));
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
