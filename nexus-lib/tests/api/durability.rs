//! No part of an answer is sent before its request is on the ledger, and its end not before its
//! usage.

use std::time::Duration;

use nexus_lib::testing::{Answer, Gate, RawClient, openai};
use serde_json::json;

use crate::support::{Append, PLAIN, Rig, STREAM, STREAM_USAGE, assert_error, chat};

/// Checks that no byte arrives where it would arrive at once.
async fn assert_silent<T>(next: impl Future<Output = T>) {
    let early = tokio::time::timeout(Duration::from_millis(50), next).await;
    assert!(early.is_err(), "seen before it was durable");
}

async fn next_event(client: &mut RawClient) -> String {
    let event = client.event().await.expect("an event");
    String::from_utf8(event.to_vec()).unwrap()
}

#[tokio::test]
async fn the_first_byte_of_a_stream_waits_for_its_row() {
    let (row, end) = (Gate::new(), Gate::new());
    let rig = Rig::appending([Append::Behind(row.clone()), Append::Behind(end.clone())]).await;
    let upstream = rig
        .add_upstream("Fake", 0, openai::server(&["a", "b"], 3, 2))
        .await;
    let mut client = rig.send(&chat(STREAM_USAGE)).await;
    upstream.request(0).await;
    row.reached().await;
    assert_silent(client.try_head()).await;

    row.open();
    assert_eq!(client.head().await.status, 200);
    for _ in ["a", "b", "finish", "usage"] {
        assert_ne!(next_event(&mut client).await, openai::DONE);
    }
    end.reached().await;
    assert_silent(client.event()).await;

    end.open();
    assert_eq!(next_event(&mut client).await, openai::DONE);
    assert_eq!(client.event().await, None);
}

#[tokio::test]
async fn a_plain_answer_waits_for_its_usage() {
    for appends in 1..=2 {
        // Both rows of the call may share a batch: whichever is held back, nothing may be sent.
        let gates: Vec<_> = (0..appends).map(|_| Gate::new()).collect();
        let rig = Rig::appending(gates.iter().cloned().map(Append::Behind)).await;
        let upstream = rig
            .add_upstream("Fake", 0, openai::server(&["a"], 3, 2))
            .await;
        let mut client = rig.send(&chat(PLAIN)).await;
        upstream.request(0).await;
        gates[0].reached().await;
        assert_silent(client.try_head()).await;
        gates.iter().for_each(Gate::open);
        let head = client.head().await;
        assert_eq!(rig.row(&head).await["total_tokens"], 5);
    }
}

#[tokio::test]
async fn the_end_of_a_cut_stream_waits_too() {
    let end = Gate::new();
    let opened = Gate::new();
    opened.open();
    let rig = Rig::appending([Append::Behind(opened.clone()), Append::Behind(end.clone())]).await;
    let gate = Gate::new();
    let answer = Answer::events(&[&openai::delta_event("a")])
        .pause(&gate)
        .cut();
    let _upstream = rig.add_upstream("Fake", 0, answer).await;
    let mut client = rig.send(&chat(STREAM)).await;
    client.head().await;
    client.event().await.unwrap();
    gate.open();
    end.reached().await;
    assert_silent(client.event()).await;
    end.open();
    assert!(next_event(&mut client).await.contains("stream_interrupted"));
}

#[tokio::test]
async fn an_answer_that_cannot_be_recorded_is_not_shown() {
    for body in [PLAIN, STREAM] {
        // A failed batch may be retried row by row; the disk fails each time.
        let rig = Rig::appending(vec![Append::Fails; 10]).await;
        let _upstream = rig
            .add_upstream("Fake", 0, openai::server(&["secret"], 3, 2))
            .await;
        let response = rig.chat(body).await;
        assert_eq!(response.status, 503, "{}", response.body.text());
        assert_error(&response.body.json(), "server_error", "ledger_unavailable");
        assert!(!response.body.text().contains("secret"));
    }
}

#[tokio::test]
async fn one_slow_batch_is_one_wait_for_many() {
    let gate = Gate::new();
    let rig = Rig::appending([Append::Behind(gate.clone())]).await;
    let upstream = rig
        .add_upstream("Fake", 0, openai::server(&["a"], 3, 2))
        .await;
    let mut clients = Vec::new();
    for index in 0..20 {
        clients.push(rig.send(&chat(PLAIN)).await);
        upstream.request(index).await;
    }
    gate.open();
    for client in &mut clients {
        assert_eq!(client.response().await.status, 200);
    }
    let totals = rig.read("/stats/total").await;
    assert_eq!(
        (&totals["requests"], &totals["total_tokens"]),
        (&json!(20), &json!(100))
    );
}
