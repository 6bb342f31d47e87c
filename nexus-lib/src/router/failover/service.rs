use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use http::StatusCode;
use tower::{Service, ServiceExt};

use super::RetryPolicy;
use super::pick::{Pick, Picks};
use super::verdict::Verdict;
use crate::call::{Attempt, Reply, ReplyBody, Routed};
use crate::error::{Error, ErrorKind, Result};
use crate::late::until;
use crate::observe::{AfterFailure, CooldownStarted, FailedAttempt, Observers};

/// When to try a provider again that is at its concurrency limit.
const BUSY_RETRY: Duration = Duration::from_secs(1);

/// Tries candidates in order. See [`FailoverLayer`](crate::router::FailoverLayer).
#[derive(Debug, Clone)]
pub struct Failover<S> {
    inner: S,
    retries: RetryPolicy,
    observers: Observers,
}

impl<S> Failover<S> {
    pub(super) fn new(inner: S, retries: RetryPolicy, observers: Observers) -> Self {
        Self {
            inner,
            retries,
            observers,
        }
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
        let (policy, observers) = (self.retries, self.observers.clone());
        Box::pin(async move {
            let mut picks = Picks::new(&routed);
            let mut failed = Failed::default();
            let mut retry = 0;
            let mut next = picks.next();
            while let Some(Pick {
                index,
                attempt,
                probe,
            }) = next
            {
                if routed.attempts() > 1 {
                    inner.ready().await?;
                }
                let vitals = &routed.candidates()[index].provider.vitals;
                if retry == 0 {
                    vitals.retries.earn();
                }
                let began = is_timed(&routed).then(Instant::now);
                let outcome = until(routed.call().deadline, inner.call(attempt)).await;
                let failure = match Verdict::of(&outcome) {
                    Verdict::Failed(failure) => failure,
                    Verdict::Answered => {
                        vitals.health.succeeded(began.map(|began| began.elapsed()));
                        return outcome;
                    }
                    Verdict::Untranslatable => {
                        drop(probe);
                        note(&routed, index, &outcome);
                        failed.keep(index, outcome);
                        next = picks.next();
                        continue;
                    }
                    Verdict::Nothing => {
                        return outcome.map_err(|error| named(error, &routed));
                    }
                };
                let cooldown = vitals.health.failed(failure.retry_after);
                drop(probe);
                log(&routed, &outcome, cooldown);
                note(&routed, index, &outcome);
                let report = Report {
                    observers: &observers,
                    routed: &routed,
                    index,
                    outcome: in_short(&outcome),
                };
                report.cooldown(cooldown);
                failed.keep(index, outcome);
                if retry == 0 {
                    next = picks.next();
                    if next.is_some() {
                        report.attempt(AfterFailure::FailsOver);
                        continue;
                    }
                }
                // All were asked. Retry the last one, if its failure may be temporary.
                next = match policy.wait(retry, failure) {
                    Some(wait) if fits(wait, &routed) && vitals.retries.spend() => {
                        retry += 1;
                        report.attempt(AfterFailure::Retries);
                        tokio::time::sleep(wait).await;
                        picks.again(index)
                    }
                    _ => {
                        report.attempt(AfterFailure::GivesUp);
                        None
                    }
                };
            }
            match failed.into_outcome(&routed) {
                Some(outcome) => outcome,
                None if picks.is_any_full => Err(busy()),
                None => Err(Error::new(ErrorKind::Internal, "the call had no candidate")),
            }
        })
    }
}

/// One call in eight: enough for an average, and the others do not read the clock.
fn is_timed(routed: &Routed) -> bool {
    routed.call().id.seq() & 7 == 0
}

/// Whether the client's deadline allows for `wait`.
fn fits(wait: Duration, routed: &Routed) -> bool {
    let deadline = routed.call().deadline;
    deadline.is_none_or(|deadline| Instant::now() + wait < deadline)
}

/// The error for the client when all candidates have failed.
#[derive(Default)]
struct Failed {
    /// The last error response, and its candidate.
    refused: Option<(usize, Reply)>,
    /// The last error without a response, and its candidate.
    error: Option<(usize, Error)>,
}

impl Failed {
    fn keep(&mut self, index: usize, outcome: Result<Reply>) {
        match outcome {
            Ok(reply) => self.refused = Some((index, reply)),
            Err(error) => self.error = Some((index, error)),
        }
    }

    /// An upstream's own error is more useful to the client than a failure to connect to another
    /// one.
    fn into_outcome(self, routed: &Routed) -> Option<Result<Reply>> {
        if let Some((whose, reply)) = self.refused {
            routed.answered_by(whose);
            return Some(Ok(reply));
        }
        let (whose, error) = self.error?;
        routed.answered_by(whose);
        Some(Err(named(error, routed)))
    }
}

fn named(error: Error, routed: &Routed) -> Error {
    error.with_provider(routed.current().provider.name.clone())
}

fn busy() -> Error {
    let message = "all providers of this model are at their concurrency limit; try again";
    Error::new(ErrorKind::ProviderBusy, message).with_retry_after(BUSY_RETRY)
}

/// Reports a failed attempt to observers.
struct Report<'a> {
    observers: &'a Observers,
    routed: &'a Routed,
    index: usize,
    outcome: (Option<StatusCode>, Option<ErrorKind>),
}

impl Report<'_> {
    fn attempt(&self, next: AfterFailure) {
        self.observers.tell(|observer| {
            let target = &self.routed.candidates()[self.index];
            let id = self.routed.call().id;
            observer.attempt_failed(&FailedAttempt::new(id, target, self.outcome, next));
        });
    }

    fn cooldown(&self, cooldown: Option<Duration>) {
        if let Some(duration) = cooldown {
            let target = &self.routed.candidates()[self.index];
            self.observers
                .tell(|observer| observer.cooldown_started(&CooldownStarted { target, duration }));
        }
    }
}

fn in_short(outcome: &Result<Reply>) -> (Option<StatusCode>, Option<ErrorKind>) {
    match outcome {
        Ok(reply) => (Some(reply.status), None),
        Err(error) => (None, Some(error.kind())),
    }
}

/// Keeps the failure for the call's row.
fn note(routed: &Routed, index: usize, outcome: &Result<Reply>) {
    match outcome {
        Ok(reply) => {
            let seen = match &reply.body {
                ReplyBody::Full { observed, .. } => (observed.status, observed.error.as_deref()),
                ReplyBody::Stream(_) => (None, None),
            };
            let status = seen.0.unwrap_or(reply.status);
            let error = seen.1.map(str::to_owned);
            let error =
                error.unwrap_or_else(|| format!("the provider answered {}", status.as_u16()));
            routed.failed(index, Some(status), error);
        }
        Err(error) => routed.failed(index, error.upstream_status(), error.for_ledger()),
    }
}

fn log(routed: &Routed, outcome: &Result<Reply>, cooldown: Option<Duration>) {
    let request_id = routed.call().id;
    let provider = &*routed.current().provider.name;
    match outcome {
        Ok(reply) => {
            let status = reply.status.as_u16();
            tracing::warn!(%request_id, provider, status, "an attempt was rejected");
        }
        Err(error) => {
            tracing::warn!(%request_id, provider, error = error.report(), "an attempt failed");
        }
    }
    if let Some(cooldown) = cooldown {
        tracing::warn!(
            provider,
            cooldown_ms = cooldown.as_millis(),
            "the provider is in cooldown"
        );
    }
}
