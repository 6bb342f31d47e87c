use nexus_lib::testing::{Answer, Gate, Script, openai};
use serde_json::json;

use crate::client::{Client, words};
use crate::support::Rig;

#[tokio::test]
async fn while_draining_open_chats_finish_and_new_ones_are_refused() {
    let gate = Gate::new();
    let event = openai::delta_event("a");
    let answer = Answer::events(&[&event])
        .pause(&gate)
        .sse(&[&event, openai::DONE])
        .end();
    let (rig, upstream) = Rig::over(answer).await;
    let mut idle = Client::connect(&rig).await;
    let mut client = Client::connect(&rig).await;
    client.chat("a", true).await;
    client.frame().await;
    rig.gateway.sockets().drain();
    assert_eq!(idle.closed().await, Some(1001));
    client.chat("b", true).await;
    let told = client.frame().await;
    assert_eq!(
        (&told["id"], &told["error"]["code"]),
        (&json!("b"), &json!("shutting_down"))
    );
    gate.open();
    assert_eq!(words(&client.frames().await), "a");
    assert_eq!(client.closed().await, Some(1001));
    rig.gateway.sockets().ended().await;
    assert_eq!(upstream.requests().len(), 1);
    assert_eq!(rig.settled().await["state"], "completed");
}

#[tokio::test]
async fn what_does_not_finish_is_cut_off_with_an_error() {
    let (rig, upstream) = Rig::over(Answer::events(&[&openai::delta_event("a")]).hang()).await;
    let mut client = Client::connect(&rig).await;
    client.chat("a", true).await;
    client.frame().await;
    rig.gateway.sockets().drain();
    rig.gateway.cut_off();
    let frames = client.frames().await;
    assert_eq!(frames[0]["error"]["code"], "shutting_down", "{frames:?}");
    assert_eq!(client.closed().await, Some(1001));
    rig.gateway.sockets().ended().await;
    upstream.closed(0).await;
    assert_eq!(rig.settled().await["state"], "failed");
}

#[tokio::test]
async fn a_gateway_that_is_closed_takes_its_sockets_along() {
    let script = Script::always(Answer::events(&[&openai::delta_event("a")]).hang());
    let (rig, upstream) = Rig::over(script).await;
    let mut client = Client::connect(&rig).await;
    client.chat("a", true).await;
    client.frame().await;
    rig.close().await;
    upstream.closed(0).await;
    assert_eq!(client.closed().await, None);
}
