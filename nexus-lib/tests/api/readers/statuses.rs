//! Statuses that are neither an answer nor an error.

use nexus_lib::testing::Answer;
use serde_json::json;

use super::{FACES, hands_over, over};

#[tokio::test]
async fn aisix_951_redirects_are_neither_followed_nor_relayed() {
    for status in [301, 302, 303, 307, 308] {
        let headers = [
            ("location", "https://elsewhere.example/v1"),
            ("refresh", "0; url=https://elsewhere.example/"),
        ];
        let answer = Answer::fixed(status, &headers, "");
        for protocol in ["chat", "anthropic", "gemini"] {
            for face in FACES {
                let (rig, upstream) = over(protocol, answer.clone()).await;
                let response = rig.ask(&face.request(false)).await;
                assert_eq!(response.status, 502, "{status} of {protocol} to {face:?}");
                assert_eq!(response.header("location"), None);
                assert_eq!(response.header("refresh"), None);
                let body = response.body.text();
                assert!(!body.contains("elsewhere"), "{body}");
                assert!(body.contains("redirect"), "{body}");
                assert!(!upstream.requests().is_empty());
                let row = rig.rows().await.remove(0);
                let id = row["request_id"].as_str().unwrap();
                let row = rig.read(&format!("/stats/requests/{id}")).await;
                assert_eq!(
                    (&row["state"], &row["upstream_status"]),
                    (&json!("failed"), &json!(status)),
                    "{row}"
                );
            }
        }
        hands_over("chat", FACES[0], true, &answer).await;
        hands_over("anthropic", FACES[2], false, &answer).await;
    }
}

#[tokio::test]
async fn a_location_is_relayed_on_no_status() {
    for status in [200, 201, 400, 404, 503] {
        let body = r#"{"choices":[{"message":{"content":"hi"}}]}"#;
        let headers = [
            ("content-type", "application/json"),
            ("location", "https://elsewhere.example/"),
            ("refresh", "1"),
        ];
        let (rig, _upstream) = over("chat", Answer::fixed(status, &headers, body)).await;
        let response = rig.ask(&FACES[0].request(false)).await;
        assert_eq!(response.status, status);
        assert_eq!(
            (response.header("location"), response.header("refresh")),
            (None, None)
        );
    }
}

#[tokio::test]
async fn statuses_that_say_nothing_are_failures() {
    for status in [300, 304, 305, 399, 600, 799, 999] {
        let answer = Answer::fixed(status, &[], "");
        for face in FACES {
            let (rig, _upstream) = over("chat", answer.clone()).await;
            let response = rig.ask(&face.request(false)).await;
            assert_eq!(response.status, 502, "{status} to {face:?}");
            assert_eq!(rig.rows().await.remove(0)["state"], "failed", "{status}");
        }
        hands_over("chat", FACES[0], false, &answer).await;
    }
}
