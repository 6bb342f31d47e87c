//! Operations that pass through without translation: embeddings, images, audio and others.

use nexus_lib::testing::{Answer, FakeUpstream, RawRequest};
use serde_json::{Value, json};

use crate::support::{KEY, Rig};

fn post(path: &str, body: &str) -> RawRequest {
    RawRequest::new("POST", path)
        .header("authorization", &format!("Bearer {KEY}"))
        .header("content-type", "application/json")
        .body(body.to_owned())
}

/// A gateway whose model `alias` is named `real name` upstream.
async fn renaming(answer: Answer) -> (Rig, FakeUpstream) {
    let (rig, upstream) = Rig::over(answer).await;
    let model = json!({"provider_id": 1, "model_name": "alias", "upstream_model": "real \"name\""});
    rig.create("/provider_models", model).await;
    (rig, upstream)
}

#[tokio::test]
async fn each_operation_goes_to_its_own_path_and_has_its_name_on_the_ledger() {
    for (path, operation) in [
        ("/completions", "completion"),
        ("/embeddings", "embedding"),
        ("/images/generations", "image.generation"),
        ("/moderations", "moderation"),
        ("/rerank", "rerank"),
    ] {
        for version in ["/v1", ""] {
            let answer =
                " {\"data\" : [1.0e2],\"usage\":{\"prompt_tokens\":7,\"total_tokens\":7}} ";
            let (rig, upstream) = renaming(Answer::json(200, answer)).await;
            let body = " {\"input\": [\"\\u0041\", 1.0], \"model\" :\"alias\", \"messages\":3}\n";
            let response = rig.ask(&post(&format!("{version}{path}"), body)).await;
            assert_eq!(response.status, 200, "{path}");
            assert_eq!(response.body.content, answer);
            let sent = upstream.request(0).await;
            assert_eq!(sent.target, format!("/v1{path}"));
            assert_eq!(
                sent.body,
                body.replace("\"alias\"", "\"real \\\"name\\\"\"")
            );
            let row = rig.row(&response).await;
            assert_eq!(row["operation"], operation);
            assert_eq!(row["state"], "completed");
            assert_eq!(row["usage_source"], "reported");
            assert_eq!(
                [
                    &row["prompt_tokens"],
                    &row["completion_tokens"],
                    &row["total_tokens"]
                ],
                [7, 0, 7]
            );
        }
    }
}

#[tokio::test]
async fn what_the_upstream_does_not_count_is_not_guessed() {
    let (rig, _upstream) = Rig::over(Answer::json(200, r#"{"results":[]}"#)).await;
    let response = rig
        .ask(&post("/v1/moderations", r#"{"model":"m","input":"x"}"#))
        .await;
    assert_eq!(response.status, 200);
    let row = rig.row(&response).await;
    assert_eq!(row["usage_source"], "none");
    assert_eq!(row["state"], "completed");
}

#[tokio::test]
async fn a_total_alone_is_the_prompt_of_what_has_no_words_for_an_answer() {
    let answer = r#"{"results":[{"index":0}],"usage":{"total_tokens":38}}"#;
    let (rig, _upstream) = Rig::over(Answer::json(200, answer)).await;
    let response = rig
        .ask(&post("/v1/rerank", r#"{"model":"m","query":"x"}"#))
        .await;
    assert_eq!(rig.row(&response).await["prompt_tokens"], 38);
}

#[tokio::test]
async fn a_text_completion_streams_and_its_usage_is_asked_for() {
    let events = [
        "data: {\"choices\":[{\"text\":\"a\",\"finish_reason\":null}],\"usage\":null}\n\n",
        "data: {\"choices\":[{\"text\":\"b\",\"finish_reason\":\"stop\"}],\"usage\":null}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\n\n",
        "data: [DONE]\n\n",
    ];
    let (rig, upstream) = Rig::over(Answer::events(&events).end()).await;
    let request = post(
        "/v1/completions",
        r#"{"model":"m","prompt":"x","stream":true}"#,
    );
    let response = rig.ask(&request).await;
    // The client did not request usage.
    assert_eq!(
        response.body.text(),
        [events[0], events[1], events[3]].concat()
    );
    assert!(upstream.request(0).await.wants_stream_usage());
    let row = rig.row(&response).await;
    assert_eq!(row["stream"], true);
    assert_eq!(row["total_tokens"], 5);
}

#[tokio::test]
async fn a_streamed_picture_is_over_with_its_own_last_event() {
    let events = [
        "event: image_generation.partial_image\ndata: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"AA\"}\n\n",
        "event: image_generation.completed\ndata: {\"type\":\"image_generation.completed\",\"b64_json\":\"AAAA\",\"usage\":{\"input_tokens\":5,\"output_tokens\":9,\"total_tokens\":14}}\n\n",
    ];
    let request = post(
        "/v1/images/generations",
        r#"{"model":"m","prompt":"x","stream":true}"#,
    );
    let (rig, _upstream) = Rig::over(Answer::events(&events).end()).await;
    let response = rig.ask(&request).await;
    assert_eq!(response.body.text(), events.concat());
    let row = rig.row(&response).await;
    assert_eq!(row["state"], "completed");
    assert_eq!(row["completion_tokens"], 9);

    let (rig, _upstream) = Rig::over(Answer::events(&events[..1]).end()).await;
    let response = rig.ask(&request).await;
    assert!(response.body.text().contains("stream_interrupted"));
    assert_eq!(rig.row(&response).await["state"], "failed");
}

#[tokio::test]
async fn sound_passes_as_it_comes() {
    let head = [
        ("content-type", "audio/mpeg"),
        ("transfer-encoding", "chunked"),
    ];
    let sound: &[u8] = b"ID3\x00\xff\xfb data: {\"error\":1}\n\n";
    let answer = Answer::new()
        .head(200, &head)
        .chunk(sound)
        .chunk(b"\xff\xfe".as_slice())
        .end();
    let (rig, upstream) = Rig::over(answer).await;
    let response = rig
        .ask(&post("/v1/audio/speech", r#"{"model":"m","input":"hi"}"#))
        .await;
    assert_eq!(response.header("content-type"), Some("audio/mpeg"));
    assert_eq!(response.body.content, [sound, b"\xff\xfe"].concat());
    assert_eq!(upstream.request(0).await.header("accept"), Some("*/*"));
    let row = rig.row(&response).await;
    assert_eq!(row["operation"], "audio.speech");
    assert_eq!(row["state"], "completed");
}

#[tokio::test]
async fn cut_sound_is_cut_and_no_words_are_mixed_in() {
    let head = [
        ("content-type", "audio/mpeg"),
        ("transfer-encoding", "chunked"),
    ];
    let answer = Answer::new().head(200, &head).chunk("half").cut();
    let (rig, _upstream) = Rig::over(answer).await;
    let response = rig
        .ask(&post("/v1/audio/speech", r#"{"model":"m","input":"hi"}"#))
        .await;
    assert_eq!(response.body.content, "half");
    assert_ne!(response.body.ending, nexus_lib::testing::Ending::Complete);
    assert_eq!(rig.row(&response).await["state"], "failed");
}

#[tokio::test]
async fn a_form_goes_upstream_with_its_file_and_another_model_name() {
    let (rig, upstream) =
        renaming(Answer::json(200, r#"{"text":"hi","usage":{"type":"tokens","input_tokens":14,"output_tokens":2,"total_tokens":16}}"#)).await;
    let form = |model: &str| {
        let mut body = b"--x1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n\x00\xff--x1 \r\n--x1y\r\n\r\n".to_vec();
        body.extend(format!("--x1\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n{model}\r\n--x1--\r\n").bytes());
        body
    };
    let request = RawRequest::new("POST", "/v1/audio/transcriptions")
        .header("authorization", &format!("Bearer {KEY}"))
        .header("content-type", "multipart/form-data; boundary=x1")
        .body(form("alias"));
    let response = rig.ask(&request).await;
    assert_eq!(response.status, 200, "{}", response.body.text());
    let sent = upstream.request(0).await;
    assert_eq!(sent.target, "/v1/audio/transcriptions");
    assert_eq!(
        sent.header("content-type"),
        Some("multipart/form-data; boundary=x1")
    );
    assert!(sent.body == form("real \"name\""));
    let row = rig.row(&response).await;
    assert_eq!(row["operation"], "audio.transcription");
    assert_eq!([&row["prompt_tokens"], &row["completion_tokens"]], [14, 2]);
}

#[tokio::test]
async fn another_provider_is_asked_where_the_first_fails() {
    let rig = Rig::start().await;
    let _broken = rig.add_upstream("Broken", 0, Answer::json(503, "{}")).await;
    let _well = rig
        .add_upstream("Well", 1, Answer::json(200, r#"{"data":[]}"#))
        .await;
    let response = rig
        .ask(&post("/v1/embeddings", r#"{"model":"m","input":"x"}"#))
        .await;
    assert_eq!(response.header("x-nexus-provider"), Some("Well"));
    assert_eq!(rig.row(&response).await["provider"], "Well");
}

#[tokio::test]
async fn what_no_provider_of_the_model_answers_is_refused_at_once() {
    let rig = Rig::start().await;
    rig.add_provider_with("Demo", "http://demo.example", json!({"kind": "demo"}))
        .await;
    let response = rig
        .ask(&post("/v1/embeddings", r#"{"model":"m","input":"x"}"#))
        .await;
    assert_eq!(response.status, 404);
    let error = &response.body.json()["error"];
    assert_eq!(error["param"], "model");
    assert!(error["message"].as_str().unwrap().contains("/embeddings"));
    assert_eq!(rig.rows().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_body_without_a_model_is_refused() {
    let (rig, _upstream) = Rig::over(Answer::json(200, "{}")).await;
    for body in [r#"{"input":"x"}"#, "[]", r#"{"model":7}"#] {
        let response = rig.ask(&post("/v1/embeddings", body)).await;
        assert_eq!(response.status, 400, "{body}");
    }
    let response = rig.ask(&post("/v1/audio/transcriptions", "{}")).await;
    assert_eq!(response.status, 400);
}
