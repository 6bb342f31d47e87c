use std::time::Duration;

use nexus_lib::http::SocketSettings;
use nexus_lib::testing::{Answer, DEADLINE, Gate, Script, openai};
use serde_json::{Value, json};

use crate::client::{Client, words};
use crate::support::{MODEL, Rig, provider};

fn resumable(id: &str) -> Value {
    let request = json!({"model": MODEL, "messages": [{"role": "user", "content": id}]});
    json!({"type": "chat", "id": id, "request": request, "resumable": true})
}

fn resume(id: &str, request_id: &Value, after: u64) -> Value {
    json!({"type": "resume", "id": id, "request_id": request_id, "after": after})
}

/// Three words, the second and third behind gates.
fn gated(gates: [&Gate; 2]) -> Answer {
    let [a, b, c] = ["a", "b", "c"].map(openai::delta_event);
    Answer::events(&[&a])
        .pause(gates[0])
        .sse(&[&b])
        .pause(gates[1])
        .sse(&[&c, &openai::usage_event(3, 3), openai::DONE])
        .end()
}

#[tokio::test]
async fn a_chat_goes_on_without_its_socket_and_is_taken_up_again() {
    let gates = [Gate::new(), Gate::new()];
    let (rig, upstream) = Rig::over(gated([&gates[0], &gates[1]])).await;
    let mut client = Client::connect(&rig).await;
    client.send(resumable("x")).await;
    let accepted = client.frame().await;
    assert_eq!(
        (&accepted["type"], &accepted["id"]),
        (&json!("accepted"), &json!("x"))
    );
    let request_id = accepted["request_id"].clone();
    let first = client.frame().await;
    assert_eq!(
        (words(std::slice::from_ref(&first)), first["seq"].clone()),
        ("a".to_owned(), json!(1))
    );
    drop(client);

    // It continues meanwhile.
    gates[0].open();
    gates[1].reached().await;
    let mut client = Client::connect(&rig).await;
    client.send(resume("x", &request_id, 1)).await;
    let missed = client.frame().await;
    assert_eq!(
        (words(std::slice::from_ref(&missed)), missed["seq"].clone()),
        ("b".to_owned(), json!(2))
    );
    gates[1].open();
    let frames = client.frames().await;
    assert_eq!(words(&frames), "c");
    let done = frames.last().unwrap();
    assert_eq!(
        (&done["type"], &done["request_id"]),
        (&json!("done"), &request_id)
    );
    assert_eq!(done["usage"]["total_tokens"], 6);
    assert_eq!(upstream.requests().len(), 1);
    let row = rig.settled().await;
    assert_eq!(
        (&row["state"], &row["total_tokens"]),
        (&json!("completed"), &json!(6))
    );

    // What may have been lost is sent again, including its end.
    client.send(resume("x", &request_id, 0)).await;
    let again = client.frames().await;
    assert_eq!(words(&again), "abc");
    let seqs: Vec<_> = again
        .iter()
        .filter_map(|frame| frame["seq"].as_u64())
        .collect();
    assert_eq!(seqs, [1, 2, 3]);
}

#[tokio::test]
async fn another_key_cannot_take_it_up() {
    let gate = Gate::new();
    let (rig, upstream) = Rig::over(gated([&gate, &gate])).await;
    let mut other = provider("Other", &upstream.url());
    other["personalized_key"] = json!("another-client-key-0123");
    rig.create("/providers", other).await;
    let mut client = Client::connect(&rig).await;
    client.send(resumable("x")).await;
    let request_id = client.frame().await["request_id"].clone();
    client.frame().await;
    let headers = [("x-api-key", "another-client-key-0123")];
    let (mut thief, _) = Client::connect_with(rig.api, &headers).await.ok().unwrap();
    for (id, request, after) in [
        ("x", &request_id, 0),
        ("y", &request_id, 0),
        ("x", &json!(nexus_lib::wire::RequestId::new()), 0),
    ] {
        thief.send(resume(id, request, after)).await;
        assert_eq!(thief.frame().await["error"]["code"], "not_found");
    }
    // Nor can its own client, under another name or from beyond its end.
    let mut second = Client::connect(&rig).await;
    second.send(resume("y", &request_id, 0)).await;
    assert_eq!(second.frame().await["error"]["code"], "not_found");
    second.send(resume("x", &request_id, 99)).await;
    assert_eq!(second.frame().await["error"]["param"], "after");
    gate.open();
    assert_eq!(words(&client.frames().await), "bc");
}

#[tokio::test]
async fn one_that_nobody_takes_up_is_cancelled_in_time() {
    let settings = SocketSettings::default().resume_within(Duration::from_millis(100));
    let rig = Rig::with(|builder| builder.sockets(settings)).await;
    let answer = Answer::events(&[&openai::delta_event("a")]).hang();
    let upstream = rig.add_upstream("Fake", 0, answer).await;
    let mut client = Client::connect(&rig).await;
    client.send(resumable("x")).await;
    let request_id = client.frame().await["request_id"].clone();
    client.frame().await;
    drop(client);
    upstream.closed(0).await;
    assert_eq!(rig.settled().await["state"], "cancelled");
    let mut client = Client::connect(&rig).await;
    let forgotten = async {
        loop {
            client.send(resume("x", &request_id, 0)).await;
            if client.frame().await["error"]["code"] == "not_found" {
                return;
            }
        }
    };
    tokio::time::timeout(DEADLINE, forgotten).await.unwrap();
}

#[tokio::test]
async fn cancelling_ends_it_at_once() {
    let (rig, upstream) = Rig::over(Answer::events(&[&openai::delta_event("a")]).hang()).await;
    let mut client = Client::connect(&rig).await;
    client.send(resumable("x")).await;
    client.frame().await;
    client.frame().await;
    client.send(json!({"type": "cancel", "id": "x"})).await;
    assert_eq!(client.frame().await["error"]["code"], "cancelled");
    upstream.closed(0).await;
    assert_eq!(rig.settled().await["state"], "cancelled");
}

#[tokio::test]
async fn what_nobody_takes_is_bounded_and_the_upstream_waits() {
    let event = openai::delta_event(&"x".repeat(50_000));
    let script = Script::by(move |_| {
        let events = vec![&*event; 100];
        Answer::events(&events).sse(&[openai::DONE]).end()
    });
    let (rig, _upstream) = Rig::over(script).await;
    let mut client = Client::connect(&rig).await;
    client.send(resumable("x")).await;
    let request_id = client.frame().await["request_id"].clone();
    client.frame().await;
    drop(client);
    // Five megabytes do not fit: it waits for a client, which then gets all of it.
    let mut client = Client::connect(&rig).await;
    client.send(resume("x", &request_id, 1)).await;
    let frames = client.frames().await;
    let seqs: Vec<_> = frames
        .iter()
        .filter_map(|frame| frame["seq"].as_u64())
        .collect();
    assert_eq!(seqs, (2..=100).collect::<Vec<_>>());
    assert_eq!(frames.last().unwrap()["type"], "done");
}
