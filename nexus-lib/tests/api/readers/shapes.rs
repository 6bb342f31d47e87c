//! Answers in another format than requested, or than declared.

use nexus_lib::testing::{Answer, UpstreamAnswers, anthropic, gemini, ollama, openai};
use serde_json::{Value, json};

use super::{Chat, FACES, Messages, datas, hands_over, over};

/// The answers of an upstream in each protocol, whole and streamed.
fn answers() -> [(&'static str, UpstreamAnswers); 5] {
    [
        ("chat", openai::answers()),
        ("messages", anthropic::answers()),
        ("responses", openai::response_answers()),
        ("gemini", gemini::answers()),
        ("ollama", ollama::answers()),
    ]
}

#[tokio::test]
async fn claude_code_router_next_45_events_of_any_type_flow() {
    let events = openai::stream_events(&["Hel", "lo"], Some((3, 2)));
    let first = events[0].clone();
    let rest = events[1..].concat();
    for media in [
        Some("application/json"),
        Some("text/plain"),
        Some("application/x-ndjson"),
        None,
    ] {
        for prefix in ["", "\u{feff}", ": hi\n\n", "id: 1\n", "retry: 9\n"] {
            for face in FACES {
                let gate = nexus_lib::testing::Gate::new();
                let mut headers = vec![("transfer-encoding", "chunked")];
                headers.extend(media.map(|media| ("content-type", media)));
                let answer = Answer::new()
                    .head(200, &headers)
                    .chunk(format!("{prefix}{first}"))
                    .pause(&gate)
                    .chunk(&rest)
                    .end();
                let (rig, _upstream) = over("chat", answer).await;
                let mut client = rig.send(&face.request(true)).await;
                let head = client.head().await;
                assert!(
                    head.header("content-type")
                        .unwrap()
                        .starts_with("text/event-stream")
                );
                let mut seen = String::new();
                while !seen.contains("Hel") {
                    seen += str::from_utf8(&client.event().await.unwrap()).unwrap();
                }
                gate.open();
                let rest = client.body().await;
                assert!(rest.text().contains(face.last()), "{}", rest.text());
                assert_eq!(rig.rows().await[0]["total_tokens"], 5);
            }
        }
    }
}

#[tokio::test]
async fn mistral_vibe_619_json_becomes_the_stream_that_was_asked_for() {
    for (protocol, answers) in answers() {
        for media in ["application/json", "text/event-stream"] {
            for face in FACES {
                let answer =
                    Answer::fixed(200, &[("content-type", media)], answers.body().to_owned());
                let (rig, _upstream) = over(protocol, answer).await;
                let response = rig.ask(&face.request(true)).await;
                let at = format!("{protocol} to {face:?}: {}", response.body.text());
                assert_eq!(response.status, 200, "{at}");
                assert!(
                    response
                        .header("content-type")
                        .unwrap()
                        .starts_with("text/event-stream"),
                    "{at}"
                );
                assert_eq!(face.words(&response), "Hello there", "{at}");
                assert!(response.body.text().contains(face.last()), "{at}");
                let row = rig.rows().await.remove(0);
                assert_eq!(
                    (&row["state"], &row["total_tokens"]),
                    (&json!("completed"), &json!(9)),
                    "{at}"
                );
            }
        }
    }
}

#[tokio::test]
async fn openproxy_306_a_stream_becomes_the_answer_that_was_asked_for() {
    for (protocol, answers) in answers() {
        for media in ["text/event-stream", "application/json"] {
            for face in FACES {
                let answer =
                    Answer::fixed(200, &[("content-type", media)], answers.events().concat());
                let (rig, _upstream) = over(protocol, answer).await;
                let response = rig.ask(&face.request(false)).await;
                let at = format!("{protocol} to {face:?}: {}", response.body.text());
                assert_eq!(response.status, 200, "{at}");
                assert!(
                    response
                        .header("content-type")
                        .unwrap()
                        .starts_with("application/json"),
                    "{at}"
                );
                assert_eq!(face.words(&response), "Hello there", "{at}");
                let row = rig.rows().await.remove(0);
                assert_eq!(
                    (&row["state"], &row["total_tokens"]),
                    (&json!("completed"), &json!(9)),
                    "{at}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_cut_is_no_whole_answer() {
    let events = openai::stream_events(&["Hel", "lo"], None);
    for face in FACES {
        hands_over("chat", face, false, &Answer::events(&[&events[0]]).end()).await;
        hands_over("chat", face, false, &Answer::events(&[&events[0]]).cut()).await;
    }
}

#[tokio::test]
async fn usage_is_reported_in_a_stream_where_it_is_asked_for() {
    let whole = openai::completion("Hello", 4, 2).to_string();
    let (rig, _upstream) = over("chat", Answer::json(200, whole)).await;
    for (asks, expected) in [(true, 1), (false, 0)] {
        let body = json!({
            "model": "m", "stream": true, "messages": [{"role": "user", "content": "hi"}],
            "stream_options": {"include_usage": asks},
        });
        let response = rig.ask(&Chat.request(true).body(body.to_string())).await;
        let events = datas(response.body.text());
        let usage = events.iter().filter(|event| event["usage"].is_object());
        assert_eq!(usage.count(), expected);
    }
}

#[tokio::test]
async fn pi_5592_a_stream_ends_with_its_last_event() {
    for (protocol, answers) in answers() {
        // Gemini has no final event: its finish reason counts as one after a while.
        if protocol == "gemini" {
            continue;
        }
        for face in FACES {
            let events = answers.events();
            let events: Vec<&str> = events.iter().map(String::as_str).collect();
            let (rig, _upstream) = over(protocol, Answer::events(&events).hang()).await;
            let response = rig.ask(&face.request(true)).await;
            let at = format!("{protocol} to {face:?}: {}", response.body.text());
            assert_eq!(face.words(&response), "Hello there", "{at}");
            assert!(response.body.text().contains(face.last()), "{at}");
            assert_eq!(rig.rows().await[0]["state"], "completed", "{at}");
            let response = rig.ask(&face.request(false)).await;
            assert_eq!(
                face.words(&response),
                "Hello there",
                "{protocol} to {face:?}"
            );
        }
    }
}

#[tokio::test]
async fn pi_5592_a_reason_to_finish_is_enough_after_a_while() {
    let answers = gemini::answers();
    let events = answers.events();
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let (rig, _upstream) = over("gemini", Answer::events(&events).hang()).await;
    let response = rig.ask(&Chat.request(true)).await;
    assert_eq!(Chat.words(&response), "Hello there");
    assert!(response.body.text().contains(Chat.last()));
    assert_eq!(rig.rows().await[0]["state"], "completed");
}

#[tokio::test]
async fn litellm_22138_reasons_are_words_that_clients_know() {
    let known = [
        "stop",
        "length",
        "tool_calls",
        "content_filter",
        "end_turn",
        "max_tokens",
        "tool_use",
        "refusal",
        "stop_sequence",
    ];
    let text = json!({"text": "hi"});
    let call = json!({"functionCall": {"name": "f", "args": {}}});
    for word in [
        "MALFORMED_FUNCTION_CALL",
        "FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "NEW_WORD",
        "SAFETY",
    ] {
        for part in [&text, &call] {
            let answer = json!({
                "candidates": [{"content": {"parts": [part]}, "finishReason": word}],
                "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
            });
            for is_stream in [false, true] {
                let body = match is_stream {
                    true => Answer::events(&[&format!("data: {answer}\n\n")]).end(),
                    false => Answer::json(200, answer.to_string()),
                };
                for (face, is_called) in [(Chat, "tool_calls"), (Messages, "tool_use")] {
                    let (rig, _upstream) = over("gemini", body.clone()).await;
                    let response = rig.ask(&face.request(is_stream)).await;
                    let events = match is_stream {
                        true => datas(response.body.text()),
                        false => vec![response.body.json()],
                    };
                    let reasons: Vec<&str> = events.iter().filter_map(reason).collect();
                    assert_eq!(reasons.len(), 1, "{events:?}");
                    assert!(known.contains(&reasons[0]), "{word}: {}", reasons[0]);
                    if part == &call && word != "SAFETY" {
                        assert_eq!(reasons[0], is_called, "{word}");
                    }
                }
            }
        }
    }
}

/// The finish reason of an event or an answer.
fn reason(event: &Value) -> Option<&str> {
    let places = [
        &event["choices"][0]["finish_reason"],
        &event["stop_reason"],
        &event["delta"]["stop_reason"],
    ];
    places.into_iter().find_map(Value::as_str)
}

#[tokio::test]
async fn a_list_of_answers_and_lines_are_gathered() {
    let piece = |text: &str| json!({"candidates": [{"content": {"parts": [{"text": text}]}}]});
    let last = json!({"candidates": [{"finishReason": "STOP"}]});
    let list = json!([piece("He"), piece("llo"), last]).to_string();
    let lines: String = openai::stream_events(&["He", "llo"], None)
        .iter()
        .filter_map(|event| event.strip_prefix("data: {"))
        .map(|event| format!("{{{}\n", event.trim_end()))
        .collect();
    for (protocol, body) in [("gemini", list), ("chat", lines)] {
        for is_stream in [false, true] {
            let (rig, _upstream) = over(protocol, Answer::json(200, body.clone())).await;
            let response = rig.ask(&Messages.request(is_stream)).await;
            assert_eq!(Messages.words(&response), "Hello", "{protocol}");
        }
    }
}
