//! A protocol that only one side speaks is translated.

use nexus_lib::testing::{Answer, Gate, RawClient, openai};
use serde_json::{Value, json};

use super::{MESSAGE, MESSAGE_EVENTS, assert_row, datas, over, post, stream_of};
use crate::support::SERVER_KEY;

fn chat(stream: bool) -> String {
    json!({
        "model": "m", "stream": stream, "stream_options": {"include_usage": true},
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}],
    })
    .to_string()
}

#[tokio::test]
async fn a_chat_is_translated_to_messages_for_anthropic() {
    let (rig, upstream) = over("anthropic", json!({}), Answer::json(200, MESSAGE)).await;
    let response = rig.ask(&post("/v1/chat/completions", chat(false))).await;
    let sent = upstream.request(0).await;
    assert_eq!(sent.target, "/v1/messages");
    assert_eq!(sent.header("x-api-key"), Some(SERVER_KEY));
    assert_eq!(sent.header("anthropic-version"), Some("2023-06-01"));
    let asked = sent.json();
    assert_eq!(asked["system"], "Be brief.");
    assert_eq!(
        asked["messages"],
        json!([{"role": "user", "content": "hi"}])
    );
    assert!(asked["max_tokens"].is_u64(), "{asked}");
    let answer = response.body.json();
    assert_eq!(
        (response.status, &answer["object"]),
        (200, &json!("chat.completion"))
    );
    assert_eq!(answer["choices"][0]["message"]["content"], "Hello!");
    assert_eq!(answer["usage"]["prompt_tokens"], 15);
    assert_row(&rig, "chat.completion", [15, 5, 20]).await;
}

/// Reads events up to one that contains `text`.
async fn until(client: &mut RawClient, text: &str) {
    loop {
        let event = client.event().await.expect("an event");
        if String::from_utf8_lossy(&event).contains(text) {
            return;
        }
    }
}

#[tokio::test]
async fn an_anthropic_stream_becomes_chunks_as_it_arrives() {
    let gate = Gate::new();
    let answer = Answer::events(&MESSAGE_EVENTS[..4]).pause(&gate);
    let answer = answer.sse(&MESSAGE_EVENTS[4..]).end();
    let (rig, _upstream) = over("anthropic", json!({}), answer).await;
    let mut client = rig.send(&post("/v1/chat/completions", chat(true))).await;
    let head = client.head().await;
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    until(&mut client, "Hello!").await;
    assert_eq!(rig.rows().await[0]["state"], "open");
    gate.open();
    until(&mut client, "[DONE]").await;
    assert_row(&rig, "chat.completion", [15, 5, 20]).await;
}

#[tokio::test]
async fn messages_and_responses_become_chats_for_openai() {
    for (path, operation, body, usage) in [
        (
            "/v1/messages",
            "message",
            json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}),
            ["input_tokens", "output_tokens"],
        ),
        (
            "/v1/responses",
            "response",
            json!({"model": "m", "max_output_tokens": 9, "input": "hi"}),
            ["input_tokens", "output_tokens"],
        ),
    ] {
        for stream in [false, true] {
            let (rig, upstream) =
                over("openai", json!({}), openai::server(&["He", "llo"], 7, 2)).await;
            let mut body = body.clone();
            body["stream"] = json!(stream);
            let response = rig.ask(&post(path, body.to_string())).await;
            let sent = upstream.request(0).await;
            assert_eq!(sent.target, "/v1/chat/completions");
            let asked = sent.json();
            assert_eq!(
                asked["messages"],
                json!([{"role": "user", "content": "hi"}])
            );
            assert_eq!(asked["max_tokens"], 9);
            assert_eq!(sent.wants_stream_usage(), stream);
            let text = response.body.text();
            let last = match stream {
                true => datas(text)
                    .into_iter()
                    .rfind(|data| data.to_string().contains("tokens")),
                false => Some(response.body.json()),
            };
            let last = last.expect("usage");
            let told = last.get("response").unwrap_or(&last)["usage"].clone();
            assert_eq!(usage.map(|name| &told[name]), [7, 2], "{text}");
            assert!(text.contains("He"), "{text}");
            assert!(!text.contains("[DONE]"), "{text}");
            assert_row(&rig, operation, [7, 2, 9]).await;
        }
    }
}

/// Long requests are parsed and written on another thread.
#[tokio::test]
async fn requests_of_some_megabytes_are_translated_completely() {
    let words = "Größe \"1\"\n".repeat(200_000);
    let message = json!([{"role": "user", "content": words}]);
    for (path, body) in [
        (
            "/v1/messages",
            json!({"model": "m", "max_tokens": 9, "messages": message}),
        ),
        ("/v1/responses", json!({"model": "m", "input": words})),
    ] {
        let (rig, upstream) = over("openai", json!({}), openai::server(&["He"], 7, 2)).await;
        let response = rig.ask(&post(path, body.to_string())).await;
        assert_eq!(response.status, 200);
        assert!(upstream.request(0).await.json()["messages"] == message);
        assert_eq!(rig.rows().await[0]["prompt_tokens"], 7);
    }
    // Errors in them are still reported.
    let (rig, upstream) = over("openai", json!({}), openai::server(&["He"], 7, 2)).await;
    let body =
        json!({"model": "m", "max_tokens": 9, "messages": [{"role": words, "content": "x"}]});
    let response = rig.ask(&post("/v1/messages", body.to_string())).await;
    assert_eq!(response.status, 400);
    assert!(upstream.requests().is_empty());
}

const GEMINI: &str = r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"Hello!"}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":2,"thoughtsTokenCount":3,"totalTokenCount":9},"modelVersion":"gemini-x","responseId":"r1"}"#;

#[tokio::test]
async fn gemini_is_asked_by_its_own_protocol() {
    let (rig, upstream) = over("gemini", json!({}), Answer::json(200, GEMINI)).await;
    let response = rig.ask(&post("/v1/chat/completions", chat(false))).await;
    let sent = upstream.request(0).await;
    assert_eq!(sent.target, "/v1/models/m:generateContent");
    assert_eq!(sent.header("x-goog-api-key"), Some(SERVER_KEY));
    assert_eq!(sent.header("authorization"), None);
    assert_eq!(sent.json()["contents"][0]["parts"][0]["text"], "hi");
    assert_eq!(
        response.body.json()["choices"][0]["message"]["content"],
        "Hello!"
    );
    // Its reasoning is counted separately.
    let row = assert_row(&rig, "chat.completion", [4, 5, 9]).await;
    assert_eq!(row["reasoning_tokens"], 3);

    let event = format!("data: {GEMINI}\r\n\r\n");
    let (rig, upstream) = over("gemini", json!({}), stream_of(&[&event])).await;
    let response = rig.ask(&post("/v1/messages", messages(true))).await;
    let sent = upstream.request(0).await;
    assert_eq!(sent.target, "/v1/models/m:streamGenerateContent?alt=sse");
    let kinds: Vec<Value> = datas(response.body.text())
        .into_iter()
        .map(|data| data["type"].clone())
        .collect();
    let expected = [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(kinds, expected);
    assert_row(&rig, "message", [4, 5, 9]).await;
}

fn messages(stream: bool) -> String {
    let messages = json!([{"role": "user", "content": "hi"}]);
    json!({"model": "m", "stream": stream, "max_tokens": 9, "messages": messages}).to_string()
}

#[tokio::test]
async fn ollama_is_asked_by_its_own_protocol_and_answers_in_lines() {
    let lines = concat!(
        "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"Hel\"},\"done\":false}\n",
        "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"lo\"},\"done\":false}\n",
        "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done_reason\":\"stop\",\"done\":true,\"prompt_eval_count\":4,\"eval_count\":2}\n",
    );
    // In pieces that end in the middle of lines.
    let mut answer = Answer::new().head(
        200,
        &[
            ("content-type", "application/x-ndjson"),
            ("transfer-encoding", "chunked"),
        ],
    );
    for piece in lines.as_bytes().chunks(50) {
        answer = answer.chunk(piece);
    }
    let (rig, upstream) = over("ollama", json!({}), answer.end()).await;
    let body = chat(true).replace("\"model\"", "\"num_ctx\":8192,\"model\"");
    let response = rig.ask(&post("/v1/chat/completions", body)).await;
    let sent = upstream.request(0).await;
    assert_eq!(sent.target, "/api/chat");
    assert_eq!(sent.json()["options"]["num_ctx"], 8192);
    let text: String = datas(response.body.text())
        .iter()
        .filter_map(|data| data["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(text, "Hello");
    assert!(response.body.text().ends_with("data: [DONE]\n\n"));
    assert_row(&rig, "chat.completion", [4, 2, 6]).await;
}

#[tokio::test]
async fn tokens_are_counted_for_providers_that_do_not() {
    let (rig, upstream) = over("openai", json!({}), Answer::json(500, "{}")).await;
    let body = r#"{"model":"m","system":"Be brief.","messages":[{"role":"user","content":"hi"}]}"#;
    let response = rig.ask(&post("/v1/messages/count_tokens", body)).await;
    assert_eq!(response.status, 200);
    let tokens = response.body.json()["input_tokens"].as_u64().unwrap();
    assert!((5..30).contains(&tokens), "{tokens}");
    assert!(upstream.requests().is_empty());
    let row = rig.row(&response).await;
    assert_eq!(
        (&row["operation"], &row["usage_source"]),
        (&json!("message.count_tokens"), &json!("none"))
    );
}

#[tokio::test]
async fn a_picture_of_gemini_comes_whole_however_large() {
    // More than a runtime thread translates itself, and more than one socket read.
    let data = "iVBORw0K".repeat(2_500_000);
    let part = json!({"inlineData": {"mimeType": "image/png", "data": data}});
    let drawn = json!({
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 1290, "totalTokenCount": 1297},
    });
    let url = format!("data:image/png;base64,{data}");
    for stream in [false, true] {
        let answer = match stream {
            true => Answer::events(&[&format!("data: {drawn}\n\n")]).end(),
            false => Answer::json(200, drawn.to_string()),
        };
        let (rig, upstream) = over("gemini", json!({}), answer).await;
        let body =
            chat(stream).replace("\"model\"", "\"modalities\":[\"image\",\"text\"],\"model\"");
        let response = rig.ask(&post("/v1/chat/completions", body)).await;
        let asked = upstream.request(0).await.json();
        assert_eq!(
            asked["generationConfig"]["responseModalities"],
            json!(["IMAGE", "TEXT"])
        );
        let images: Vec<Value> = match stream {
            true => datas(response.body.text())
                .iter()
                .filter_map(|data| data["choices"][0]["delta"]["images"].as_array().cloned())
                .flatten()
                .collect(),
            false => {
                let message = &response.body.json()["choices"][0]["message"];
                message["images"].as_array().unwrap().clone()
            }
        };
        let [image] = &images[..] else {
            panic!("{} pictures", images.len())
        };
        assert!(image["image_url"]["url"] == url, "the picture has changed");
        assert_row(&rig, "chat.completion", [7, 1290, 1297]).await;
    }
}
