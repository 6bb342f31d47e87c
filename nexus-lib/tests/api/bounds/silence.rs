//! Upstreams that send much before their first event.

use nexus_lib::testing::{Answer, Step, openai};

use super::{Face, PROVIDERS, fields};
use crate::support::{Rig, STREAM};

/// More than may precede the first event, and it continues.
fn flood(what: &str) -> Answer {
    let piece = what.repeat(8 * 1024 / what.len() + 1);
    let answer = Answer::events(&[]);
    let answer = (0..64).fold(answer, |answer, _| answer.chunk(&piece));
    answer.hang()
}

const SILENCES: [&str; 6] = [
    ": comment\n\n",
    "\n",
    "id: 7\n\n",
    "event: ping\n\n",
    // Endlessly.
    "id: 7\n",
    ":",
];

#[tokio::test]
async fn what_is_no_event_is_bounded_before_the_first_and_the_next_provider_is_asked() {
    for silence in SILENCES {
        let rig = Rig::start().await;
        let first = rig.add_upstream("Silent", 0, flood(silence)).await;
        let _second = rig
            .add_upstream("Second", 1, openai::server(&["ok"], 4, 2))
            .await;
        let response = rig.chat(STREAM).await;
        assert_eq!(response.status, 200, "{silence:?}");
        assert_eq!(
            response.header("x-nexus-provider"),
            Some("Second"),
            "{silence:?}"
        );
        assert_eq!(first.requests().len(), 1);
        assert_eq!(rig.row(&response).await["attempts"], 2);
    }
}

#[tokio::test]
async fn translated_streams_are_bounded_as_well() {
    for (kind, protocol) in PROVIDERS {
        for face in Face::ALL {
            for silence in [": comment\n\n", "\n", "id: 7\n"] {
                let rig = Rig::start().await;
                let _silent = rig
                    .add_upstream_with("Silent", fields(kind, protocol), flood(silence))
                    .await;
                let response = rig.ask(&face.asks("hi", true)).await;
                assert_eq!(response.status, 502, "{kind} {face:?} {silence:?}");
                assert_eq!(rig.settled().await["state"], "failed");
            }
        }
    }
}

#[tokio::test]
async fn some_comments_before_the_first_event_pass() {
    let comments = ": OPENROUTER PROCESSING\n\n".repeat(1000);
    let event = openai::delta_event("ok");
    let answer = Answer::events(&[&comments, &event, "data: [DONE]\n\n"]).end();
    let (rig, _upstream) = Rig::over(answer).await;
    let response = rig.chat(STREAM).await;
    assert_eq!(response.status, 200);
    assert!(response.body.text().starts_with(&comments));
    assert!(response.body.text().ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn heads_that_only_announce_an_answer_are_bounded() {
    let hint = "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n";
    let few = Answer::new().bytes(hint.repeat(8)).step_all(Answer::json(
        200,
        openai::completion("ok", 1, 1).to_string(),
    ));
    let (rig, _upstream) = Rig::over(few).await;
    assert_eq!(rig.chat(crate::support::PLAIN).await.status, 200);
    let many = Answer::new().bytes(hint.repeat(5000)).step(Step::Hang);
    let (rig, _upstream) = Rig::over(many).await;
    let response = rig.chat(crate::support::PLAIN).await;
    assert_eq!(response.status, 502, "{}", response.body.text());
}

#[tokio::test]
async fn what_goes_on_behind_the_last_event_is_not_read_for_ever() {
    let event = openai::delta_event("ok");
    let answer = Answer::events(&[&event, "data: [DONE]\n\n"]);
    let noise = ": noise\n\n".repeat(1000);
    let answer = (0..200)
        .fold(answer, |answer, _| answer.chunk(&noise))
        .hang();
    let (rig, upstream) = Rig::over(answer).await;
    let response = rig.chat(STREAM).await;
    let length = response.body.content.len();
    assert!(length < 300 * 1024, "{length}");
    assert_eq!(rig.row(&response).await["state"], "completed");
    // The connection cannot be reused.
    let closed = async {
        while !upstream.is_closed(0) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(nexus_lib::testing::DEADLINE, closed)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_event_that_grows_counts_among_the_bodies_that_are_held() {
    for (kind, protocol) in PROVIDERS {
        let rig = Rig::with(|builder| builder.max_body_memory(1 << 20)).await;
        let begin = match kind {
            "ollama" => "{\"message\":{\"content\":\"",
            _ => "data: {\"choices\":[{\"delta\":{\"content\":\"",
        };
        let more = "x".repeat(64 << 10);
        let answer = Answer::events(&[begin]);
        let answer = (0..64).fold(answer, |answer, _| answer.chunk(&more)).hang();
        let _upstream = rig
            .add_upstream_with("Fake", fields(kind, protocol), answer)
            .await;
        let response = rig.ask(&Face::Chat.asks("hi", true)).await;
        assert_eq!(response.status, 503, "{kind}: {}", response.body.text());
        assert_eq!(response.body.json()["error"]["code"], "overloaded");
    }
}
