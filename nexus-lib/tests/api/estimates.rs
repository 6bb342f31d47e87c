//! Tokens of calls whose upstream reported no usage.

use nexus_lib::testing::{Answer, Gate, Script, openai};
use serde_json::{Value, json};

use crate::support::{MODEL, Rig, chat};

/// "hello world" is two tokens in each of OpenAI's encodings; the request is 3 for the message, 1
/// for its role, 2 for its words, and 3 for the reply.
const WORDS: &str = "hello world";
const PROMPT_TOKENS: u64 = 9;

fn body(stream: bool) -> String {
    let messages = json!([{"role": "user", "content": WORDS}]);
    json!({"model": MODEL, "stream": stream, "messages": messages}).to_string()
}

fn figures(row: &Value) -> (&str, &str, u64, u64, u64) {
    let tokens = |name: &str| row[name].as_u64().unwrap();
    (
        row["state"].as_str().unwrap(),
        row["usage_source"].as_str().unwrap(),
        tokens("prompt_tokens"),
        tokens("completion_tokens"),
        tokens("total_tokens"),
    )
}

fn estimated(state: &str, completion_tokens: u64) -> (&str, &str, u64, u64, u64) {
    let total = PROMPT_TOKENS + completion_tokens;
    (state, "estimated", PROMPT_TOKENS, completion_tokens, total)
}

#[tokio::test]
async fn answers_without_figures_are_counted_before_their_end_is_seen() {
    let script = Script::by(|request| {
        if request.wants_stream() {
            let events = openai::stream_events(&["hello", " world"], None);
            return Answer::events(&events.iter().map(String::as_str).collect::<Vec<_>>()).end();
        }
        let mut completion = openai::completion("hello world", 1, 1);
        completion.as_object_mut().unwrap().remove("usage");
        Answer::json(200, completion.to_string())
    });
    let (rig, _upstream) = Rig::over(script).await;
    for stream in [false, true] {
        let response = rig.chat(body(stream)).await;
        assert_eq!(
            figures(&rig.row(&response).await),
            estimated("completed", 2)
        );
    }
    let total = rig.read("/stats/total").await;
    assert_eq!(total["total_tokens"], 2 * (PROMPT_TOKENS + 2));
}

#[tokio::test]
async fn cut_and_cancelled_streams_count_what_was_delivered() {
    for cancel in [false, true] {
        let answer = Answer::events(&[
            &openai::delta_event("hello"),
            &openai::delta_event(" world"),
        ]);
        let answer = if cancel { answer.hang() } else { answer.cut() };
        let (rig, upstream) = Rig::over(answer).await;
        let mut client = rig.send(&chat(body(true))).await;
        client.head().await;
        client.event().await.unwrap();
        client.event().await.unwrap();
        let state = if cancel {
            client.close();
            upstream.closed(0).await;
            "cancelled"
        } else {
            client.event().await;
            "failed"
        };
        assert_eq!(figures(&rig.settled().await), estimated(state, 2));
    }
}

#[tokio::test]
async fn a_prompt_that_was_sent_counts_though_nobody_waited_for_the_answer() {
    let (rig, upstream) = Rig::over(Answer::new().hang()).await;
    let client = rig.send(&chat(body(false))).await;
    upstream.request(0).await;
    client.close();
    assert_eq!(figures(&rig.settled().await), estimated("cancelled", 0));
}

#[tokio::test]
async fn what_an_upstream_refused_has_no_tokens() {
    let refused = Answer::json(400, openai::error("no", "t", "c").to_string());
    let (rig, _upstream) = Rig::over(refused).await;
    let response = rig.chat(body(false)).await;
    assert_eq!(
        figures(&rig.row(&response).await),
        ("failed", "none", 0, 0, 0)
    );
}

#[tokio::test]
async fn call_that_is_cut_off_waits_for_no_tables() {
    let gate = Gate::new();
    let answer = Answer::events(&[&openai::delta_event("hello")])
        .pause(&gate)
        .sse(&[&openai::delta_event("again")])
        .end();
    let (rig, _upstream) = Rig::over(answer).await;
    let mut client = rig.send(&chat(body(true))).await;
    assert_eq!(client.head().await.status, 200);
    client.event().await.unwrap();
    rig.gateway.cut_off();
    gate.open();
    let event = String::from_utf8(client.event().await.unwrap().to_vec()).unwrap();
    assert!(event.contains("shutting_down"), "{event}");
    // This gateway has not counted anything yet, so a token is four bytes: one more for
    // `hello world`.
    let row = rig.settled().await;
    assert_eq!(row["usage_source"], "estimated");
    assert_eq!(row["prompt_tokens"], PROMPT_TOKENS + 1);
    assert_eq!(row["state"], "failed");
}
