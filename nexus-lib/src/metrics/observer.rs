use super::Metrics;
use super::labels::ReasonLabels;
use super::series::Ending;
use crate::call::ClosedCall;
use crate::observe::{
    AfterFailure, CooldownStarted, FailedAttempt, LedgerCommit, Observer, RefusedRequest,
};

impl Observer for Metrics {
    fn call_settled(&self, call: &ClosedCall) {
        let families = &self.inner.families;
        let series = self.inner.series.of(&call.target, families);
        let ending = Ending {
            operation: call.operation,
            status: call.status.map(|status| status.as_u16()),
            state: call.state,
        };
        series.count(ending, families);
        series.duration.observe(call.duration.as_secs_f64());
        if let Some(first_event) = call.first_event() {
            series.first_event.observe(first_event.as_secs_f64());
        }
        let usage = &call.usage;
        for (counter, tokens) in [
            (&series.prompt_tokens, usage.prompt_tokens),
            (&series.completion_tokens, usage.completion_tokens),
            (&series.cached_tokens, usage.cached_tokens),
            (&series.reasoning_tokens, usage.reasoning_tokens),
        ] {
            if tokens > 0 {
                counter.inc_by(tokens);
            }
        }
        if call.is_streaming {
            families.open_streams.dec();
        }
    }

    fn stream_began(&self) {
        self.inner.families.open_streams.inc();
    }

    fn attempt_failed(&self, attempt: &FailedAttempt<'_>) {
        let families = &self.inner.families;
        let provider = &attempt.target.provider.name;
        families.attempts_failed.count(provider);
        match attempt.next {
            AfterFailure::FailsOver => families.failovers.count(provider),
            AfterFailure::Retries => families.retries.count(provider),
            AfterFailure::GivesUp => {}
        }
    }

    fn cooldown_started(&self, cooldown: &CooldownStarted<'_>) {
        let provider = &cooldown.target.provider.name;
        self.inner.families.cooldowns.count(provider);
    }

    fn request_refused(&self, request: &RefusedRequest<'_>) {
        let reason = request.reason;
        let labels = ReasonLabels { reason };
        self.inner.families.refused.get_or_create(&labels).inc();
    }

    fn ledger_committed(&self, commit: &LedgerCommit) {
        let families = &self.inner.families;
        let rows = u64::try_from(commit.rows).unwrap_or(u64::MAX);
        families.ledger_rows.inc_by(rows);
        families
            .ledger_commits
            .observe(commit.duration.as_secs_f64());
    }
}
