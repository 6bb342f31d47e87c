use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, select};
use tower::Service;

use crate::call::{Metered, MeteredBody, Reply, ReplyBody, Routed};
use crate::error::{Error, ErrorKind, Result};
use crate::isolate;
use crate::meter::Books;
use crate::meter::account::Account;
use crate::meter::grace::Grace;
use crate::meter::stream::Settling;
use crate::meter::verdict::Ending;

/// Opens a row for each call and settles it. See the [module](crate::meter).
#[derive(Clone)]
pub struct Meter<S> {
    books: Arc<Books>,
    grace: Grace,
    inner: S,
}

opaque_debug!(Meter<S>);

impl<S> Meter<S> {
    pub(super) fn new(books: Arc<Books>, grace: Grace, inner: S) -> Self {
        Self {
            books,
            grace,
            inner,
        }
    }
}

impl<S> Service<Routed> for Meter<S>
where
    S: Service<Routed, Response = Reply, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Metered;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Metered>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, routed: Routed) -> Self::Future {
        let (books, grace) = (Arc::clone(&self.books), self.grace.clone());
        // The clone that was polled ready is the one to call.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            let mut account = Account::open(&books, routed.clone()).await?;
            // Called within the future, so that a panic of the call itself is caught too.
            let answered = pin!(guarded(async move { inner.call(routed).await }));
            let answered = books.cutoff.before(answered);
            let answer = match select(answered, pin!(grace.over())).await {
                Either::Left((answer, _)) => answer,
                Either::Right(((), answer)) => {
                    account.begin();
                    answer.await
                }
            };
            let reply = match answer {
                Ok(reply) => reply,
                Err(error) => {
                    account.answered_by(error.refused_by());
                    account.status_sent(error.status(), error.upstream_status());
                    account.settle(Ending::Failed(&error)).await?;
                    return Err(error.on_ledger());
                }
            };
            // A whole answer passes when it is settled, a stream when its row is there.
            let answered_by = reply.answered_by.or_else(|| account.unasked());
            // Where a layer answered, no provider gave a status.
            let upstream_status = answered_by.is_none().then_some(reply.status);
            account.answered_by(answered_by.as_ref());
            account.status_sent(reply.status, upstream_status);
            let (request_id, conversation_id, target) = account.names();
            let body = match reply.body {
                ReplyBody::Full { bytes, observed } => {
                    account.observe(observed);
                    account.answer_is(&bytes);
                    account.settle(Ending::Whole).await?;
                    MeteredBody::Full(bytes)
                }
                ReplyBody::Stream(events) => {
                    account.opened().await?;
                    account.stream_begins();
                    MeteredBody::Stream(Box::pin(Settling::new(events, account)))
                }
            };
            Ok(Metered {
                request_id,
                conversation_id,
                target,
                answered_by,
                status: reply.status,
                headers: reply.headers,
                body,
            })
        })
    }
}

/// What is inside may be an application's own. If it panics, the call fails and its row says so.
fn guarded(answered: impl Future<Output = Result<Reply>>) -> impl Future<Output = Result<Reply>> {
    isolate::wait(answered).map(|answered| {
        answered.unwrap_or_else(|panicked| {
            let message = "the gateway failed at this call; its operator finds more in the log";
            let error = Error::new(ErrorKind::Internal, message).with_source(panicked);
            tracing::error!(error = error.report(), "a call broke off");
            Err(error)
        })
    })
}
