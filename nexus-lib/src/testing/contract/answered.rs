use super::case::Case;
use super::heard::{Heard, check_whole, stream_of};
use super::question::question;
use crate::call::Operation;
use crate::testing::{FakeUpstream, Gate};

const ANSWERED: &str = "an attempt that the upstream answers has a reply";

/// Successful answers: whole, and event by event.
pub(super) async fn check(case: &Case<'_>) {
    whole(case).await;
    if case.answers.is_none_or(|answers| answers.has_stream()) {
        stream(case).await;
        usage_is_observed_unasked(case).await;
    }
}

async fn whole(case: &Case<'_>) {
    let upstream = match case.answers {
        Some(answers) => Some(FakeUpstream::start(answers.whole()).await),
        None => None,
    };
    let registered = case.registered(upstream.as_ref()).await;
    let reply = case.reply(ANSWERED, case.asks(&registered, false)).await;
    check_whole(case, reply);
}

async fn stream(case: &Case<'_>) {
    let gate = Gate::new();
    let upstream = match case.answers {
        Some(answers) => Some(FakeUpstream::start(answers.stream(&gate)).await),
        None => None,
    };
    let registered = case.registered(upstream.as_ref()).await;
    let begins = "a stream is answered with its first event, while the rest is still to come";
    let reply = case.reply(begins, case.asks(&registered, true)).await;
    let mut events = stream_of(case, reply);
    let mut heard = Heard::new(case);
    if upstream.is_some() {
        // The upstream holds the rest back until these were passed on.
        while heard.text.is_empty() {
            match case.next(&mut events).await {
                Some(Ok(piece)) => heard.take(case, piece),
                other => case.broken("a stream goes on while the upstream's does", other),
            }
        }
    }
    gate.open();
    let heard = heard.finish(case, &mut events).await;
    let pieces = "a stream is passed on event by event, and not collected";
    case.holds(pieces, heard.pieces > 1, heard.pieces);
}

/// The ledger needs the usage whether or not the client asked for it.
async fn usage_is_observed_unasked(case: &Case<'_>) {
    if case.operation != Operation::ChatCompletion {
        return;
    }
    let gate = Gate::new();
    gate.open();
    let upstream = match case.answers {
        Some(answers) => Some(FakeUpstream::start(answers.stream(&gate)).await),
        None => None,
    };
    let registered = case.registered(upstream.as_ref()).await;
    let asked = case.asks(&registered, true);
    let mut body = question(case.operation, &case.contract.model, true);
    body.as_object_mut()
        .and_then(|body| body.remove("stream_options"));
    let unasked = registered.attempt(case.operation, &body);
    let mut usages = Vec::new();
    for attempt in [asked, unasked] {
        let mut events = stream_of(case, case.reply(ANSWERED, attempt).await);
        let heard = Heard::new(case).finish(case, &mut events).await;
        usages.push(heard.observed.usage.is_some());
    }
    let clause = "usage is observed whether or not the client asked to see it";
    case.holds(clause, usages[0] == usages[1], usages);
}
