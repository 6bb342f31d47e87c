use futures_util::future::join_all;

use super::case::Case;
use super::heard::{Heard, check_whole, stream_of};
use crate::testing::{Answer, FakeUpstream, Gate};

/// How many attempts are made at once.
const ATTEMPTS: usize = 16;

const CLAUSE: &str = "attempts are made concurrently, and all are answered";

/// Many attempts at once: the upstream answers none of them before it has received all.
pub(super) async fn check(case: &Case<'_>) {
    let Some(answers) = case.answers else {
        at_once(case, None, false).await;
        return at_once(case, None, true).await;
    };
    at_once(case, Some(answers.whole()), false).await;
    if answers.has_stream() {
        let gate = Gate::new();
        gate.open();
        at_once(case, Some(answers.stream(&gate)), true).await;
    }
}

async fn at_once(case: &Case<'_>, answer: Option<Answer>, is_stream: bool) {
    let gate = Gate::new();
    let upstream = match answer {
        Some(answer) => {
            let answer = Answer::new().pause(&gate).step_all(answer);
            Some(FakeUpstream::start(answer).await)
        }
        None => None,
    };
    let registered = case.registered(upstream.as_ref()).await;
    let attempts = join_all((0..ATTEMPTS).map(|_| async {
        let reply = case.reply(CLAUSE, case.asks(&registered, is_stream)).await;
        match is_stream {
            true => {
                let mut events = stream_of(case, reply);
                Heard::new(case).finish(case, &mut events).await;
            }
            false => check_whole(case, reply),
        }
    }));
    let let_go = async {
        if let Some(upstream) = &upstream {
            case.in_time(CLAUSE, upstream.request(ATTEMPTS - 1)).await;
            gate.open();
        }
    };
    tokio::join!(let_go, attempts);
}
