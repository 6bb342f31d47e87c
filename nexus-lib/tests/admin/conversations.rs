use std::sync::Arc;

use nexus_lib::store::{LedgerStore, LedgerWrite, RequestState};
use serde_json::{Value, json};

use crate::client::Admin;
use crate::statistics::{id, open, settled};

async fn with_rows(rows: &[(i64, &str, &str)]) -> Admin {
    let admin = Admin::new().await;
    let rows = rows.iter().map(|(minute, conversation, model)| {
        let settlement = settled(RequestState::Completed, 1, 10, 5);
        LedgerWrite::Whole(open(*minute, conversation, model, 1), settlement)
    });
    admin.store.append(Arc::new(rows.collect())).await.unwrap();
    admin
}

fn names(page: &Value) -> Vec<&str> {
    let conversations = page["conversations"].as_array().unwrap().iter();
    conversations
        .map(|one| one["conversation_id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn conversations_come_by_their_newest_request_with_their_totals() {
    let rows = [(0, "a", "m"), (1, "b", "m"), (2, "a", "n"), (3, "c", "m")];
    let admin = with_rows(&rows).await;
    let page = admin.get("/stats/conversations").await.json();
    assert_eq!(names(&page), ["c", "a", "b"]);
    assert_eq!(page["next"], Value::Null);
    let expected = json!({
        "conversation_id": "a", "requests": 2, "rounds": 2,
        "prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30,
        "models": ["m", "n"],
        "began_at": "2026-01-31T08:00:00.000Z", "last_at": "2026-01-31T08:02:00.000Z",
    });
    assert_eq!(page["conversations"][1], expected);
    let empty = Admin::new().await.get("/stats/conversations").await.json();
    assert_eq!(empty["conversations"], json!([]));
    assert_eq!(empty["next"], Value::Null);
}

#[tokio::test]
async fn pages_have_each_conversation_once() {
    let mixed = ["a", "b", "c", "d", "e"].into_iter().cycle().step_by(3);
    let rows: Vec<_> = (0..40)
        .zip(mixed)
        .map(|(minute, conversation)| (minute, conversation, "m"))
        .chain([(40, "lone", "m"), (41, "a", "m")])
        .collect();
    let admin = with_rows(&rows).await;
    let mut found: Vec<String> = Vec::new();
    let mut before = String::new();
    loop {
        let path = format!("/stats/conversations?limit=2&before={before}");
        let page = admin.get(&path).await.json();
        assert!(names(&page).len() <= 2);
        found.extend(names(&page).into_iter().map(str::to_owned));
        match page["next"].as_str() {
            Some(next) => before = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(&found[..2], ["a", "lone"]);
    found.sort();
    assert_eq!(found, ["a", "b", "c", "d", "e", "lone"]);
}

#[tokio::test]
async fn what_is_wrong_with_the_question_is_named() {
    let admin = with_rows(&[(0, "a", "m")]).await;
    for (query, param) in [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("before=x", "before"),
    ] {
        let answer = admin.get(&format!("/stats/conversations?{query}")).await;
        assert_eq!(answer.json()["error"]["param"], param);
        assert_eq!(answer.status, 422);
    }
    let page = admin
        .get(&format!("/stats/conversations?before={}", id(0)))
        .await;
    assert_eq!(names(&page.json()), Vec::<&str>::new());
}
