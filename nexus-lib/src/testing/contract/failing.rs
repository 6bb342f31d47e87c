use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

use super::UpstreamAnswers;
use super::case::Case;
use super::question::unreadable;
use crate::call::{Attempt, ReplyBody, ReplyStream};
use crate::error::{Error, ErrorKind};
use crate::testing::{Answer, FakeUpstream, refused_addr};

/// Invalid answers, and invalid questions.
pub(super) async fn check(case: &Case<'_>) {
    let Some(answers) = case.answers else {
        return nonsense(case).await;
    };
    for is_stream in [false, true] {
        if is_stream && !answers.has_stream() {
            continue;
        }
        refused(case, answers, is_stream).await;
        unreachable(case, is_stream).await;
    }
    cut_whole(case, answers).await;
    if answers.has_stream() {
        cut_streams(case, answers).await;
    }
    nonsense(case).await;
}

async fn nonsense(case: &Case<'_>) {
    let refusal = case.answers.and_then(UpstreamAnswers::refusal);
    let refusal =
        refusal.unwrap_or_else(|| Answer::json(400, r#"{"error":{"message":"unreadable"}}"#));
    let upstream = match case.answers {
        Some(_) => Some(FakeUpstream::start(refusal).await),
        None => None,
    };
    let registered = case.registered(upstream.as_ref()).await;
    let body = unreadable(case.operation, &case.contract.model);
    let sent = case.send(registered.attempt(case.operation, &body));
    let clause = "a malformed request is an `InvalidRequest`, or rejected by the upstream";
    match AssertUnwindSafe(sent).catch_unwind().await {
        Ok(Ok(reply)) => case.holds(clause, !reply.status.is_success(), reply),
        Ok(Err(error)) => case.holds(clause, error.kind() == ErrorKind::InvalidRequest, error),
        Err(_) => case.broken(clause, "a panic"),
    }
}

async fn refused(case: &Case<'_>, answers: &UpstreamAnswers, is_stream: bool) {
    let Some(refusal) = answers.refusal() else {
        return;
    };
    let upstream = FakeUpstream::start(refusal).await;
    let registered = case.registered(Some(&upstream)).await;
    let clause = "an answer with an error status is a reply with one, and not an `Err`";
    let reply = case.reply(clause, case.asks(&registered, is_stream)).await;
    let is_error = reply.status.is_client_error() || reply.status.is_server_error();
    case.holds(clause, is_error, &reply);
    let ReplyBody::Full { bytes, observed } = reply.body else {
        case.broken("an error is answered whole", reply)
    };
    let body: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let in_protocol = "an error is in the protocol of the attempt's operation";
    case.holds(in_protocol, body.get("error").is_some(), &bytes);
    let seen = "an error's message is observed";
    case.holds(seen, observed.error.is_some(), observed);
}

async fn unreachable(case: &Case<'_>, is_stream: bool) {
    let nobody = refused_addr().await;
    let url = case.url(nobody);
    let registered = case.registered_at(&url).await;
    no_answer(case, case.asks(&registered, is_stream), &nobody.to_string()).await;

    let silent = FakeUpstream::start(Answer::new().cut()).await;
    let registered = case.registered(Some(&silent)).await;
    let addr = silent.addr().to_string();
    no_answer(case, case.asks(&registered, is_stream), &addr).await;
}

async fn no_answer(case: &Case<'_>, attempt: Attempt, addr: &str) {
    match case.send(attempt).await {
        Err(error) => check_error(case, &error, addr),
        Ok(reply) => case.broken("if there is no answer, there is an `Err`", reply),
    }
}

fn check_error(case: &Case<'_>, error: &Error, addr: &str) {
    let retryable = "an upstream that does not answer lets the next candidate try";
    case.holds(retryable, error.is_retryable(), error);
    let message = error.to_string();
    let is_clean = !message.contains(addr) && !message.contains(&case.contract.server_key);
    let clause = "the message of an error contains neither key nor address";
    case.holds(clause, is_clean, message);
}

async fn cut_whole(case: &Case<'_>, answers: &UpstreamAnswers) {
    let upstream = FakeUpstream::start(answers.cut_whole()).await;
    let registered = case.registered(Some(&upstream)).await;
    let addr = upstream.addr().to_string();
    no_answer(case, case.asks(&registered, false), &addr).await;
}

async fn cut_streams(case: &Case<'_>, answers: &UpstreamAnswers) {
    for answer in answers.cut_streams() {
        let upstream = FakeUpstream::start(answer).await;
        let registered = case.registered(Some(&upstream)).await;
        match case.send(case.asks(&registered, true)).await {
            // It failed before there was anything to pass on.
            Err(error) => check_error(case, &error, &upstream.addr().to_string()),
            Ok(reply) => match reply.body {
                ReplyBody::Stream(events) => ends_in_error(case, events).await,
                body => case.broken("a request for a stream is answered with one", body),
            },
        }
    }
}

async fn ends_in_error(case: &Case<'_>, mut events: ReplyStream) {
    let clause = "a stream that is cut ends with `Err`, and never looks complete";
    loop {
        match case.next(&mut events).await {
            Some(Ok(piece)) => case.holds(clause, !piece.observed.terminal, piece),
            Some(Err(_)) => return,
            None => case.broken(clause, "the end"),
        }
    }
}
