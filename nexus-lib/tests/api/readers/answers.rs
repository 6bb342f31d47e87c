//! Success statuses without an answer.

use nexus_lib::testing::{Answer, RawRequest};
use serde_json::json;

use super::{Chat, FACES, Messages, Responses, add, hands_over, over};
use crate::support::{KEY, Rig};

const USED_UP: &str = r#"{"error":{"message":"quota used up"}}"#;

#[tokio::test]
async fn meclaw_75_an_error_in_a_200_is_the_providers() {
    for protocol in ["chat", "messages", "responses", "gemini", "ollama"] {
        for face in FACES {
            let (rig, _upstream) = over(protocol, Answer::json(200, USED_UP)).await;
            let response = rig.ask(&face.request(false)).await;
            assert_eq!(response.status, 502, "{protocol} to {face:?}");
            let body = response.body.text();
            assert!(
                body.contains("quota used up"),
                "{protocol} to {face:?}: {body}"
            );
            let row = rig.rows().await.remove(0);
            assert_eq!(
                (&row["state"], &row["error"]),
                (&json!("failed"), &json!("quota used up"))
            );
        }
    }
}

#[tokio::test]
async fn meclaw_75_the_next_candidate_is_asked_after_an_error_in_a_200() {
    for protocol in ["chat", "messages", "responses", "gemini", "ollama"] {
        for face in FACES {
            hands_over(protocol, face, false, &Answer::json(200, USED_UP)).await;
        }
    }
}

#[tokio::test]
async fn _9router_3242_gomodel_947_nothing_of_an_answer_asks_the_next() {
    for (protocol, face) in [
        ("chat", Chat),
        ("messages", Messages),
        ("responses", Responses),
    ] {
        for is_stream in [false, true] {
            hands_over(protocol, face, is_stream, &Answer::json(200, USED_UP)).await;
            hands_over(protocol, face, is_stream, &Answer::json(200, "{}")).await;
            let event = format!("data: {USED_UP}\n\n");
            hands_over(protocol, face, is_stream, &Answer::events(&[&event]).end()).await;
        }
    }
    let empty = r#"{"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":0,"total_tokens":1}}"#;
    for face in FACES {
        for is_stream in [false, true] {
            hands_over("chat", face, is_stream, &Answer::json(200, empty)).await;
            let event = format!("data: {empty}\n\n");
            let events = Answer::events(&[&event, "data: [DONE]\n\n"]).end();
            hands_over("chat", face, is_stream, &events).await;
        }
    }
}

#[tokio::test]
async fn a_response_that_failed_at_once_asks_the_next() {
    let failed = json!({
        "object": "response", "status": "failed", "output": [],
        "error": {"code": "server_error", "message": "quota used up"},
    });
    hands_over(
        "responses",
        Responses,
        false,
        &Answer::json(200, failed.to_string()),
    )
    .await;
    let event = json!({"type": "response.failed", "response": failed});
    let events = Answer::events(&[&format!("data: {event}\n\n")]).end();
    for face in FACES {
        hands_over("responses", face, true, &events).await;
    }
}

#[tokio::test]
async fn uipath_python_452_a_page_of_html_is_no_answer() {
    let page = "<!doctype html><html><body>Sign in</body></html>";
    for media in ["text/html", "application/json", "text/event-stream"] {
        let answer = Answer::fixed(200, &[("content-type", media)], page);
        for (protocol, face) in [
            ("chat", Chat),
            ("chat", Messages),
            ("messages", Messages),
            ("responses", Responses),
            ("gemini", Chat),
            ("ollama", Responses),
        ] {
            for is_stream in [false, true] {
                hands_over(protocol, face, is_stream, &answer).await;
            }
        }
    }
    let (rig, _upstream) = over(
        "chat",
        Answer::fixed(200, &[("content-type", "text/html")], page),
    )
    .await;
    let response = rig.ask(&Chat.request(false)).await;
    assert_eq!(response.status, 502);
    assert_eq!(
        response.body.json()["error"]["code"],
        "upstream_invalid_response"
    );
}

#[tokio::test]
async fn genkit_6259_a_choice_that_finished_with_an_error_failed() {
    let error = json!({"code": 502, "message": "Provider disconnected"});
    let whole = json!({"choices": [{"message": {"content": "He"}, "finish_reason": "error", "error": error}]});
    for face in FACES {
        hands_over("chat", face, false, &Answer::json(200, whole.to_string())).await;
        let (rig, _upstream) = over("chat", Answer::json(200, whole.to_string())).await;
        let response = rig.ask(&face.request(false)).await;
        assert!(
            response.body.text().contains("Provider disconnected"),
            "{face:?}"
        );
    }
    let said = json!({"id": "c", "choices": [{"delta": {"content": "He"}}]});
    let failed =
        json!({"id": "c", "choices": [{"delta": {}, "finish_reason": "error", "error": error}]});
    let events = [&said, &failed].map(|chunk| format!("data: {chunk}\n\n"));
    for face in FACES {
        let answer = Answer::events(&[&events[0], &events[1], "data: [DONE]\n\n"]).end();
        let (rig, _upstream) = over("chat", answer).await;
        let response = rig.ask(&face.request(true)).await;
        let stream = response.body.text();
        assert!(stream.contains("Provider disconnected"), "{stream}");
        if face != Chat {
            assert!(
                stream.contains(face.failure()) && !stream.contains(face.last()),
                "{stream}"
            );
        }
        let row = rig.rows().await.remove(0);
        assert_eq!(
            (&row["state"], &row["error"]),
            (&json!("failed"), &json!("Provider disconnected"))
        );
    }
    // As the first event it is a failed attempt.
    for face in FACES {
        let answer = Answer::events(&[&events[1], "data: [DONE]\n\n"]).end();
        hands_over("chat", face, true, &answer).await;
    }
}

#[tokio::test]
async fn refused_credentials_in_a_200_are_the_gateways() {
    let refused = r#"{"error":{"message":"no such key","type":"authentication_error"}}"#;
    for face in FACES {
        let (rig, _upstream) = over("chat", Answer::json(200, refused)).await;
        let response = rig.ask(&face.request(false)).await;
        assert_eq!(response.status, 502);
        assert!(!response.body.text().contains("no such key"));
    }
}

#[tokio::test]
async fn an_error_in_the_200_of_an_embedding_asks_the_next() {
    let page = Answer::fixed(200, &[("content-type", "text/html")], "<html>no</html>");
    for first in [Answer::json(200, USED_UP), page] {
        let rig = Rig::start().await;
        let _first = add(&rig, "First", 0, "openai", first).await;
        let vectors = r#"{"object":"list","data":[{"embedding":[0.5]}],"error":null,"usage":{"prompt_tokens":2,"total_tokens":2}}"#;
        let _second = add(&rig, "Second", 1, "openai", Answer::json(200, vectors)).await;
        let request = RawRequest::post("/v1/embeddings")
            .bearer(KEY)
            .body(r#"{"model":"m","input":"hi"}"#);
        let response = rig.ask(&request).await;
        assert_eq!(response.body.text(), vectors);
        let row = rig.rows().await.remove(0);
        assert_eq!(
            (&row["state"], &row["provider"]),
            (&json!("completed"), &json!("Second"))
        );
    }
}

#[tokio::test]
async fn an_error_in_plain_words_is_an_error() {
    let said = "data: {\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"He\"}}]}\n\n";
    for face in [Messages, Responses] {
        let answer = Answer::events(&[said, "event: error\ndata: quota used up\n\n"]).end();
        let (rig, _upstream) = over("chat", answer).await;
        let response = rig.ask(&face.request(true)).await;
        let stream = response.body.text();
        assert!(stream.contains("quota used up"), "{stream}");
        assert!(!stream.contains(face.last()), "{stream}");
        assert_eq!(rig.rows().await.remove(0)["state"], "failed");
    }
}
