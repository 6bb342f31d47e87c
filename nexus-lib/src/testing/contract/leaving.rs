use std::time::Duration;

use super::UpstreamAnswers;
use super::case::Case;
use super::heard::{check_whole, stream_of};
use crate::testing::{Answer, FakeUpstream, Script};

const CLAUSE: &str = "when the client disconnects, the upstream request ends";
const GOES_ON: &str = "a client that disconnected does not affect the next one";

/// How soon an upstream must notice that a client has disconnected.
const LEAVES_WITHIN: Duration = Duration::from_secs(1);

/// Futures and streams that are dropped.
pub(super) async fn check(case: &Case<'_>) {
    let Some(answers) = case.answers else {
        return without_upstream(case).await;
    };
    before_the_head(case, answers).await;
    if answers.has_stream() {
        within_the_stream(case, answers).await;
    }
}

async fn without_upstream(case: &Case<'_>) {
    let registered = case.registered(None).await;
    let mut sent = case.contract.provider.send(case.asks(&registered, false));
    // Once, then dropped.
    let polled =
        std::future::poll_fn(|cx| std::task::Poll::Ready(sent.as_mut().poll(cx).is_ready()));
    let _ = polled.await;
    drop(sent);
    let reply = case.reply(GOES_ON, case.asks(&registered, true)).await;
    let mut events = stream_of(case, reply);
    let _ = case.next(&mut events).await;
    drop(events);
    check_whole(
        case,
        case.reply(GOES_ON, case.asks(&registered, false)).await,
    );
}

/// Answers the first request with `first`, and all others regularly.
async fn upstream(first: Answer, answers: &UpstreamAnswers) -> FakeUpstream {
    let whole = answers.whole();
    FakeUpstream::start(Script::by(move |request| match request.index {
        0 => first.clone(),
        _ => whole.clone(),
    }))
    .await
}

async fn before_the_head(case: &Case<'_>, answers: &UpstreamAnswers) {
    let upstream = upstream(Answer::new().hang(), answers).await;
    let registered = case.registered(Some(&upstream)).await;
    tokio::select! {
        reply = case.send(case.asks(&registered, false)) => {
            case.broken("an upstream that sends nothing has not answered", reply)
        }
        _ = upstream.request(0) => {}
    }
    left(case, &upstream).await;
    check_whole(
        case,
        case.reply(GOES_ON, case.asks(&registered, false)).await,
    );
}

async fn within_the_stream(case: &Case<'_>, answers: &UpstreamAnswers) {
    let upstream = upstream(answers.begun().hang(), answers).await;
    let registered = case.registered(Some(&upstream)).await;
    let reply = case.reply(CLAUSE, case.asks(&registered, true)).await;
    let mut events = stream_of(case, reply);
    let _ = case.next(&mut events).await;
    case.holds(
        "a request lasts until its client disconnects",
        !upstream.is_closed(0),
        "a closed connection",
    );
    drop(events);
    left(case, &upstream).await;
    check_whole(
        case,
        case.reply(GOES_ON, case.asks(&registered, false)).await,
    );
}

async fn left(case: &Case<'_>, upstream: &FakeUpstream) {
    let left = tokio::time::timeout(LEAVES_WITHIN, upstream.closed(0)).await;
    let seen = format_args!("an open connection, {LEAVES_WITHIN:?} later");
    case.holds(CLAUSE, left.is_ok(), seen);
}
