//! A provider that keeps failing is in cooldown, and is then probed.

use nexus_lib::testing::{Answer, DEADLINE, Gate, Script, openai};
use serde_json::json;

use crate::support::{PLAIN, Rig, STREAM, chat, provider};

fn good(text: &str) -> Answer {
    Answer::json(200, openai::completion(text, 1, 1).to_string())
}

fn refusal() -> Answer {
    Answer::json(503, "{}")
}

/// Fails with a wait of this many milliseconds.
fn refusal_for(ms: &str) -> Answer {
    Answer::fixed(503, &[("retry-after-ms", ms)], "{}")
}

#[tokio::test]
async fn a_provider_that_keeps_failing_is_passed_over() {
    let rig = Rig::start().await;
    let first = rig.add_upstream("First", 0, refusal()).await;
    let second = rig.add_upstream("Second", 1, good("ok")).await;
    for _ in 0..10 {
        let response = rig.chat(PLAIN).await;
        assert_eq!(response.header("x-nexus-provider"), Some("Second"));
    }
    assert_eq!((first.requests().len(), second.requests().len()), (3, 10));
    let health = rig.provider("First").await["health"].clone();
    // A busy machine may take longer than the cooldown.
    let state = health["state"].as_str().unwrap();
    assert!(state == "resting" || state == "due", "{health}");
    assert_eq!(health["recent_errors"], 3);
    let until: jiff::Timestamp = health["until"].as_str().unwrap().parse().unwrap();
    assert!(until.duration_since(jiff::Timestamp::now()).as_millis() <= 1200);
    let health = rig.provider("Second").await["health"].clone();
    assert_eq!(
        (&health["state"], &health["until"]),
        (&json!("ok"), &json!(null))
    );
    let attempts = rig.rows().await;
    let attempts = attempts.iter().map(|row| row["attempts"].as_u64().unwrap());
    assert_eq!(attempts.sum::<u64>(), 13);
}

#[tokio::test]
async fn one_request_probes_while_others_go_elsewhere() {
    let rig = Rig::start().await;
    let gate = Gate::new();
    let slow = Answer::new().pause(&gate).step_all(good("back"));
    let first = Script::by(move |request| match request.index {
        0 => refusal_for("20"),
        _ => slow.clone(),
    });
    let first = rig.add_upstream("First", 0, first).await;
    let _second = rig.add_upstream("Second", 1, good("ok")).await;
    assert_eq!(
        rig.chat(PLAIN).await.header("x-nexus-provider"),
        Some("Second")
    );

    // Until the cooldown has ended, and a probe is sent.
    let mut waiting = Vec::new();
    let probed = async {
        while first.requests().len() < 2 {
            waiting.push(rig.send(&chat(PLAIN)).await);
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, probed).await.unwrap();
    gate.reached().await;
    for _ in 0..5 {
        let response = rig.chat(PLAIN).await;
        assert_eq!(response.header("x-nexus-provider"), Some("Second"));
    }
    assert_eq!(first.requests().len(), 2, "one probe at a time");
    assert_eq!(rig.provider("First").await["health"]["state"], "resting");

    gate.open();
    let mut firsts = 0;
    for client in &mut waiting {
        let response = client.response().await;
        firsts += usize::from(response.header("x-nexus-provider") == Some("First"));
    }
    assert_eq!(firsts, 1);
    assert_eq!(rig.provider("First").await["health"]["state"], "ok");
    assert_eq!(
        rig.chat(PLAIN).await.header("x-nexus-provider"),
        Some("First")
    );
}

#[tokio::test]
async fn if_all_are_in_cooldown_the_soonest_to_recover_is_asked() {
    let rig = Rig::start().await;
    let long = Script::each([refusal_for("90000"), good("first")]);
    let first = rig.add_upstream("First", 0, long).await;
    let short = Script::each([refusal_for("60000"), good("second")]);
    let second = rig.add_upstream("Second", 1, short).await;
    assert_eq!(rig.chat(PLAIN).await.status, 503);
    for name in ["First", "Second"] {
        assert_eq!(rig.provider(name).await["health"]["state"], "resting");
    }
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.status, 200, "{}", response.body.text());
    assert_eq!(response.header("x-nexus-provider"), Some("Second"));
    assert_eq!((first.requests().len(), second.requests().len()), (1, 2));
    assert_eq!(rig.provider("Second").await["health"]["state"], "ok");
}

#[tokio::test]
async fn a_candidate_in_cooldown_is_the_last_resort() {
    let rig = Rig::start().await;
    let first = Script::each([refusal_for("60000"), good("first")]);
    let _first = rig.add_upstream("First", 0, first).await;
    let second = Script::each([good("second"), refusal()]);
    let _second = rig.add_upstream("Second", 1, second).await;
    assert_eq!(
        rig.chat(PLAIN).await.header("x-nexus-provider"),
        Some("Second")
    );
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.header("x-nexus-provider"), Some("First"));
    assert_eq!(rig.row(&response).await["attempts"], 2);
}

#[tokio::test]
async fn a_provider_that_was_changed_has_a_fresh_start() {
    let (rig, upstream) = Rig::over(refusal_for("60000")).await;
    rig.chat(PLAIN).await;
    assert_eq!(rig.provider("Fake").await["health"]["state"], "resting");
    // A change of another provider does not matter.
    rig.add_provider("Other", "http://127.0.0.1:1", 9).await;
    assert_eq!(rig.provider("Fake").await["health"]["state"], "resting");
    let changed = provider("Fake", &upstream.url());
    assert_eq!(
        rig.admin("PUT", "/providers/1", Some(changed)).await.status,
        200
    );
    let health = rig.provider("Fake").await["health"].clone();
    assert_eq!(
        (&health["state"], &health["recent_errors"]),
        (&json!("ok"), &json!(0))
    );
}

#[tokio::test]
async fn streams_that_break_are_failures_too() {
    let broken = Answer::events(&[&openai::delta_event("a")]).cut();
    let (rig, _upstream) = Rig::over(broken).await;
    for failures in 1..=2 {
        let response = rig.chat(STREAM).await;
        assert!(response.body.text().contains("stream_interrupted"));
        let health = rig.provider("Fake").await["health"].clone();
        assert_eq!(health["recent_errors"], failures);
    }
}

#[tokio::test]
async fn how_long_answers_take_to_begin_is_shown() {
    let (rig, _upstream) = Rig::over(good("ok")).await;
    // One in eight is timed.
    for _ in 0..200 {
        rig.chat(PLAIN).await;
    }
    let latency = rig.provider("Fake").await["health"]["latency_ms"].clone();
    assert!(latency.as_u64().is_some_and(|ms| ms < 5_000), "{latency}");
}

#[tokio::test]
async fn a_cooldown_that_is_over_says_so_and_its_end_stands_still() {
    let rig = Rig::start().await;
    let _first = rig.add_upstream("First", 0, refusal_for("0")).await;
    let _second = rig.add_upstream("Second", 1, good("ok")).await;
    assert_eq!(rig.chat(PLAIN).await.status, 200);
    let before = rig.provider("First").await["health"].clone();
    assert_eq!(before["state"], "due", "{before}");
    let end = |health: &serde_json::Value| {
        let until = health["until"].as_str().unwrap();
        until.parse::<jiff::Timestamp>().unwrap()
    };
    assert!(end(&before) <= jiff::Timestamp::now());
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let after = rig.provider("First").await["health"].clone();
    let moved = end(&after).duration_since(end(&before)).abs();
    assert!(moved.as_millis() < 20, "{before} {after}");
}
