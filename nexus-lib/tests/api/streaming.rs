//! Events reach the client when they arrive, and only those it requested.

use nexus_lib::testing::{Answer, Gate, openai};
use serde_json::json;

use crate::support::{Rig, STREAM, STREAM_USAGE, chat};

#[tokio::test]
async fn each_event_is_forwarded_when_it_arrives() {
    let gates = [Gate::new(), Gate::new(), Gate::new()];
    let events = openai::stream_events(&["a", "b"], None);
    let answer = Answer::events(&[&events[0]])
        .pause(&gates[0])
        .sse(&[&events[1]])
        .pause(&gates[1])
        .sse(&[&events[2]])
        .pause(&gates[2])
        .sse(&[&events[3]])
        .end();
    let (rig, _upstream) = Rig::over(answer).await;
    let mut client = rig.send(&chat(STREAM)).await;
    assert_eq!(client.head().await.status, 200);
    for (event, gate) in events.iter().zip(&gates) {
        // The upstream waits: the client must get this event without the next one.
        assert_eq!(client.event().await.unwrap(), event.as_bytes());
        gate.reached().await;
        gate.open();
    }
    assert_eq!(client.event().await.unwrap(), openai::DONE);
    assert_eq!(client.event().await, None);
}

#[tokio::test]
async fn usage_is_asked_upstream_and_hidden_from_a_client_that_did_not_ask() {
    let (rig, upstream) = Rig::over(openai::server(&["Hel", "lo"], 7, 2)).await;
    let response = rig.chat(STREAM).await;

    let sent = upstream.request(0).await;
    let mut expected: serde_json::Value = serde_json::from_str(STREAM).unwrap();
    expected["stream_options"] = json!({"include_usage": true});
    assert_eq!(sent.json(), expected);

    // Every other event unchanged, including the null usage.
    let mut events = openai::stream_events(&["Hel", "lo"], Some((7, 2)));
    events.remove(3);
    assert_eq!(response.body.text(), events.concat());
}

#[tokio::test]
async fn usage_is_shown_to_a_client_that_asked() {
    let (rig, upstream) = Rig::over(openai::server(&["Hel", "lo"], 7, 2)).await;
    let response = rig.chat(STREAM_USAGE).await;
    assert_eq!(
        upstream.request(0).await.body,
        STREAM_USAGE,
        "nothing was to be added"
    );
    assert_eq!(
        response.body.text(),
        openai::stream_events(&["Hel", "lo"], Some((7, 2))).concat()
    );
}

#[tokio::test]
async fn a_refusal_of_usage_is_honoured_and_other_options_are_kept() {
    let options = [
        (
            r#"{"include_usage":false,"include_obfuscation":false}"#,
            json!({"include_usage": true, "include_obfuscation": false}),
        ),
        (
            r#"{ "include_obfuscation" : true }"#,
            json!({"include_usage": true, "include_obfuscation": true}),
        ),
        ("{}", json!({"include_usage": true})),
        ("null", json!({"include_usage": true})),
        (r#"{"include_usage":null}"#, json!({"include_usage": true})),
    ];
    let (rig, upstream) = Rig::over(openai::server(&["x"], 7, 2)).await;
    for (index, (given, expected)) in options.into_iter().enumerate() {
        let body = format!(
            r#"{{"stream_options": {given} ,"temperature":1.00,"stream":true,"model":"m","messages":[]}}"#
        );
        let response = rig.chat(body).await;
        let sent = upstream.request(index).await;
        assert_eq!(sent.json()["stream_options"], expected, "{given}");
        let sent = String::from_utf8(sent.body.to_vec()).unwrap();
        assert!(
            sent.ends_with(r#","temperature":1.00,"stream":true,"model":"m","messages":[]}"#),
            "{sent}"
        );
        assert!(!response.body.text().contains("total_tokens"), "{given}");
        assert_eq!(rig.row(&response).await["total_tokens"], 9, "{given}");
    }
}

#[tokio::test]
async fn usage_beside_choices_is_not_hidden() {
    let with_choices = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":1,\"total_tokens\":5}}\n\n";
    let (rig, _upstream) = Rig::over(Answer::events(&[with_choices, openai::DONE]).end()).await;
    let response = rig.chat(STREAM).await;
    assert_eq!(
        response.body.text(),
        format!("{with_choices}{}", openai::DONE)
    );
    assert_eq!(rig.row(&response).await["total_tokens"], 5);
}

#[tokio::test]
async fn a_stream_without_done_that_said_why_it_finished_is_whole() {
    let events = openai::stream_events(&["x"], None);
    let (rig, _upstream) = Rig::over(Answer::events(&[&events[0], &events[1]]).end()).await;
    let response = rig.chat(STREAM).await;
    assert_eq!(response.body.text(), events[..2].concat());
    assert_eq!(rig.row(&response).await["state"], "completed");
}

#[tokio::test]
async fn a_stream_to_an_http_1_0_style_upstream_ends_with_the_connection() {
    let events = openai::stream_events(&["x"], Some((1, 2)));
    let answer = Answer::new()
        .head(
            200,
            &[
                ("content-type", "text/event-stream"),
                ("connection", "close"),
            ],
        )
        .bytes(events.concat())
        .cut();
    let (rig, _upstream) = Rig::over(answer).await;
    let response = rig.chat(STREAM_USAGE).await;
    assert_eq!(response.body.text(), events.concat());
    assert_eq!(rig.row(&response).await["state"], "completed");
}
