//! Upstream errors that repeat the request.

use nexus_lib::testing::{Answer, Script};
use serde_json::{Value, json};

use super::{Face, PROVIDERS, fields};
use crate::support::Rig;

const PROMPT: &str = "Dear diary, zanzibar-of-the-prompt met \"Erika\" today,\nand was glad of it.";
const CANARY: &str = "zanzibar-of-the-prompt";

/// An upstream that rejects, with the request in its message: as text, as JSON, truncated.
fn refusing(status: u16) -> Script {
    Script::by(move |request| {
        let whole = String::from_utf8_lossy(&request.body).into_owned();
        let message = match request.index % 3 {
            0 => format!("I will not talk about {PROMPT}"),
            1 => format!("Invalid request: {whole}"),
            _ => format!("Invalid value: '{}...'", &PROMPT[..40]),
        };
        let error = json!({"type": "error", "error": {"message": message, "type": "invalid_request_error"}});
        Answer::json(status, error.to_string())
    })
}

#[tokio::test]
async fn what_an_error_quotes_of_the_prompt_is_not_kept() {
    for (kind, protocol) in PROVIDERS {
        let rig = Rig::start().await;
        let _upstream = rig
            .add_upstream_with("Fake", fields(kind, protocol), refusing(400))
            .await;
        for face in Face::ALL {
            for _ in 0..3 {
                let response = rig.ask(&face.asks(PROMPT, false)).await;
                assert_eq!(response.status, 400, "{kind} {face:?}");
                // The client gets the error unchanged.
                assert!(
                    response.body.text().contains(CANARY),
                    "{}",
                    response.body.text()
                );
                let row = rig.row(&response).await;
                let error = row["error"].as_str().unwrap();
                assert!(!error.contains("zanzibar"), "{kind} {face:?}: {error}");
                assert!(error.starts_with("I") && error.contains("[…]"), "{error}");
            }
        }
        assert_not_kept(&rig).await;
    }
}

/// Neither in an answer of the admin port, nor in any file.
async fn assert_not_kept(rig: &Rig) {
    let rows = Value::from(rig.rows().await).to_string();
    assert!(!rows.contains("zanzibar"), "{rows}");
    rig.gateway.close().await.unwrap();
    for entry in std::fs::read_dir(rig.folder()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let around = text.split_once("zanzibar").map(|(before, after)| {
            let before: String = before.chars().rev().take(200).collect();
            let after: String = after.chars().take(100).collect();
            (before.chars().rev().collect::<String>(), after)
        });
        assert_eq!(around, None);
    }
}
