use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use http::StatusCode;
use tower::{Service, ServiceExt};

use crate::call::{Attempt, Reply, Routed};
use crate::error::{Error, ErrorKind, Result};

/// Tries candidates in order. See [`FailoverLayer`](crate::router::FailoverLayer).
#[derive(Debug, Clone)]
pub struct Failover<S> {
    inner: S,
}

impl<S> Failover<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S> Service<Routed> for Failover<S>
where
    S: Service<Attempt, Response = Reply, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Reply;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Reply>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, routed: Routed) -> Self::Future {
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            let mut refused = None;
            let mut index = 0;
            while let Some(attempt) = routed.attempt(index) {
                if index > 0 {
                    inner.ready().await?;
                }
                index += 1;
                let last = index == routed.candidates().len();
                match inner.call(attempt).await {
                    Ok(reply) if is_worth_another(reply.status) && !last => {
                        tracing::warn!(request_id = %routed.call().id, status = reply.status.as_u16(),
                            provider = &*routed.current().provider.name, "failing over");
                        refused = Some((index - 1, reply));
                    }
                    Ok(reply) => return Ok(reply),
                    Err(error) => {
                        let name = routed.current().provider.name.clone();
                        tracing::warn!(request_id = %routed.call().id, provider = &*name,
                            error = error.report(), "an attempt failed");
                        if !error.is_retryable() || last {
                            // An upstream's own words tell the client more than our not reaching the
                            // next one.
                            return match refused {
                                Some((whose, reply)) if error.is_retryable() => {
                                    routed.answered_by(whose);
                                    Ok(reply)
                                }
                                _ => Err(error.with_provider(name)),
                            };
                        }
                    }
                }
            }
            Err(Error::new(ErrorKind::Internal, "the call had no candidate"))
        })
    }
}

/// Whether an answer of this status says that another provider might do better: it took too long, came
/// too early, is over its limit, or is broken. The rest is the client's own.
fn is_worth_another(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        )
}
