//! Embeddings of providers with their own API for them.

use nexus_lib::testing::{Answer, FakeUpstream, RawRequest, Script};
use serde_json::{Value, json};

use crate::support::{KEY, Rig, SERVER_KEY};

fn ask(body: Value) -> RawRequest {
    RawRequest::post("/v1/embeddings")
        .bearer(KEY)
        .header("content-type", "application/json")
        .body(body.to_string())
}

async fn over(kind: &str, script: impl Into<Script>) -> (Rig, FakeUpstream) {
    let rig = Rig::start().await;
    let upstream = rig
        .add_upstream_with("Fake", json!({"kind": kind}), script)
        .await;
    (rig, upstream)
}

fn vectors(count: usize) -> Value {
    json!({"embeddings": vec![json!({"values": [0.5, -1.25]}); count]})
}

#[tokio::test]
async fn gemini_embeds_one_text() {
    let answer =
        r#"{"embedding": {"values": [0.50, -1.25e0]}, "usageMetadata": {"promptTokenCount": 3}}"#;
    let (rig, upstream) = over("gemini", Answer::json(200, answer)).await;
    let response = rig
        .ask(&ask(
            json!({"model": "m", "input": "hi there", "dimensions": 2, "user": "u"}),
        ))
        .await;
    assert_eq!(response.status, 200, "{}", response.body.text());
    assert_eq!(response.header("x-nexus-dropped"), Some("user"));
    assert_eq!(response.header("content-type"), Some("application/json"));
    let sent = upstream.request(0).await;
    assert!(
        sent.target.ends_with("/models/m:embedContent"),
        "{}",
        sent.target
    );
    assert_eq!(sent.header("x-goog-api-key"), Some(SERVER_KEY));
    let asked = json!({"model": "models/m", "content": {"parts": [{"text": "hi there"}]}, "outputDimensionality": 2});
    assert_eq!(sent.json(), asked);
    // Numbers stay as they were written.
    let text = response.body.text();
    assert!(text.contains("[0.50, -1.25e0]"), "{text}");
    let told = response.body.json();
    assert_eq!(told["object"], "list");
    assert_eq!(told["model"], "m");
    assert_eq!(
        told["usage"],
        json!({"prompt_tokens": 3, "total_tokens": 3})
    );
    let row = rig.row(&response).await;
    assert_eq!(
        (&row["operation"], &row["usage_source"]),
        (&json!("embedding"), &json!("reported"))
    );
    assert_eq!(
        (&row["prompt_tokens"], &row["state"]),
        (&json!(3), &json!("completed"))
    );
}

#[tokio::test]
async fn gemini_embeds_many_texts_a_hundred_at_a_time() {
    let script = Script::by(|request| {
        let requests = &request.json()["requests"];
        let count = requests.as_array().map_or(1, Vec::len);
        Answer::json(200, vectors(count).to_string())
    });
    let (rig, upstream) = over("gemini", script).await;
    let texts: Vec<String> = (0..230).map(|number| format!("text {number}")).collect();
    let response = rig.ask(&ask(json!({"model": "m", "input": texts}))).await;
    assert_eq!(response.status, 200, "{}", response.body.text());
    let told = response.body.json();
    assert_eq!(told["data"].as_array().unwrap().len(), 230);
    assert_eq!(told["data"][229]["index"], 229);
    let sent = upstream.requests();
    assert_eq!(sent.len(), 3);
    assert!(sent[0].target.ends_with("/models/m:batchEmbedContents"));
    let third = sent[2].json();
    assert_eq!(
        third["requests"][0]["content"]["parts"][0]["text"],
        "text 200"
    );
    // No usage was reported: it is counted, and marked as estimated.
    let row = rig.row(&response).await;
    assert_eq!(row["usage_source"], "estimated");
    assert!(row["prompt_tokens"].as_u64().unwrap() >= 230, "{row}");
    assert_eq!(told["usage"]["prompt_tokens"], row["prompt_tokens"]);
}

#[tokio::test]
async fn ollama_embeds_by_its_own_api() {
    let answer =
        json!({"model": "e", "embeddings": [[0.5, -1.25], [1, 2]], "prompt_eval_count": 4});
    for (base, kind) in [("", "ollama"), ("/v1", "ollama")] {
        let upstream = FakeUpstream::start(Answer::json(200, answer.to_string())).await;
        let rig = Rig::start().await;
        let url = format!("http://{}{base}", upstream.addr());
        rig.add_provider_with("Fake", &url, json!({"kind": kind}))
            .await;
        let response = rig
            .ask(&ask(json!({"model": "m", "input": ["a", "b"], "encoding_format": "base64", "keep_alive": "5m"})))
            .await;
        assert_eq!(response.status, 200, "{}", response.body.text());
        let sent = upstream.request(0).await;
        assert_eq!(sent.target, "/api/embed");
        assert_eq!(
            sent.json(),
            json!({"model": "m", "input": ["a", "b"], "keep_alive": "5m"})
        );
        let told = response.body.json();
        // 0.5 and -1.25 as little-endian 32-bit floats.
        assert_eq!(told["data"][0]["embedding"], "AAAAPwAAoL8=");
        let row = rig.row(&response).await;
        assert_eq!(
            (&row["prompt_tokens"], &row["usage_source"]),
            (&json!(4), &json!("reported"))
        );
    }
}

#[tokio::test]
async fn failures_of_embeddings_are_in_openais_format() {
    let gemini =
        json!({"error": {"code": 400, "message": "too long", "status": "INVALID_ARGUMENT"}});
    let (rig, _upstream) = over("gemini", Answer::json(400, gemini.to_string())).await;
    let response = rig.ask(&ask(json!({"model": "m", "input": "x"}))).await;
    assert_eq!(response.status, 400);
    assert_eq!(response.body.json()["error"]["message"], "too long");
    assert_eq!(rig.row(&response).await["state"], "failed");

    let ollama = json!({"error": "model \"m\" not found, try pulling it first"});
    let (rig, _upstream) = over("ollama", Answer::json(404, ollama.to_string())).await;
    let response = rig.ask(&ask(json!({"model": "m", "input": "x"}))).await;
    assert_eq!(response.status, 404);
    let message = response.body.json()["error"]["message"].clone();
    assert!(message.as_str().unwrap().contains("not found"), "{message}");

    let (rig, _upstream) = over("gemini", Answer::json(401, "{}")).await;
    let response = rig.ask(&ask(json!({"model": "m", "input": "x"}))).await;
    assert_eq!(response.status, 502);
    assert_eq!(
        response.body.json()["error"]["code"],
        "upstream_auth_failed"
    );
    for input in [json!([1, 2]), json!([[1]]), json!([]), Value::Null] {
        let response = rig.ask(&ask(json!({"model": "m", "input": input}))).await;
        assert_eq!(response.status, 400, "{input}");
        assert_eq!(response.body.json()["error"]["param"], "input");
    }
}

#[tokio::test]
async fn another_provider_is_asked_where_an_answer_has_no_vectors() {
    let rig = Rig::start().await;
    let fields = json!({"kind": "ollama", "priority": 0});
    let empty = Answer::json(200, r#"{"embeddings":[]}"#);
    let _first = rig.add_upstream_with("First", fields, empty).await;
    let fields = json!({"kind": "gemini", "priority": 1});
    let good = Answer::json(200, r#"{"embedding":{"values":[1]}}"#);
    let _second = rig.add_upstream_with("Second", fields, good).await;
    let response = rig.ask(&ask(json!({"model": "m", "input": "x"}))).await;
    assert_eq!(
        response.header("x-nexus-provider"),
        Some("Second"),
        "{}",
        response.body.text()
    );
}
