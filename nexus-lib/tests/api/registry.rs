//! Changes to the registry apply to the next request.

use nexus_lib::testing::{FakeUpstream, openai};
use nexus_lib::wire::ProviderId;
use nexus_lib::{NewModel, ProviderSpec};
use serde_json::json;

use crate::support::{KEY, MODEL, PLAIN, Rig, SERVER_KEY, STREAM, chat};

#[tokio::test]
async fn a_provider_and_its_model_are_in_force_at_once() {
    let rig = Rig::start().await;
    assert_eq!(rig.chat(PLAIN).await.status, 401, "nobody has this key yet");
    let upstream = FakeUpstream::start(openai::server(&["x"], 1, 1)).await;
    let provider = json!({
        "name": "Fake", "server_url": upstream.url(), "server_key": SERVER_KEY, "personalized_key": KEY,
    });
    let id = rig.create("/providers", provider).await;
    assert_eq!(
        rig.chat(PLAIN).await.status,
        404,
        "the key is known, the model is not"
    );
    let model = rig
        .create(
            "/provider_models",
            json!({"provider_id": id, "model_name": MODEL}),
        )
        .await;
    assert_eq!(rig.chat(PLAIN).await.status, 200);

    let route = format!("/provider_models/{model}");
    assert_eq!(rig.admin("DELETE", &route, None).await.status, 204);
    assert_eq!(rig.chat(PLAIN).await.status, 404);
}

#[tokio::test]
async fn a_changed_provider_is_in_force_at_once() {
    let (rig, old) = Rig::over(openai::server(&["old"], 1, 1)).await;
    rig.chat(PLAIN).await;
    let new = FakeUpstream::start(openai::server(&["new"], 1, 1)).await;
    let update = json!({
        "name": "Renamed", "server_url": new.url(), "server_key": "sk-another-0123456789",
        "personalized_key": "another-client-key",
    });
    assert_eq!(
        rig.admin("PUT", "/providers/1", Some(update)).await.status,
        200
    );
    assert_eq!(rig.chat(PLAIN).await.status, 401, "the old key is gone");
    let request = nexus_lib::testing::RawRequest::post("/v1/chat/completions");
    let request = request.bearer("another-client-key").body(PLAIN);
    let response = rig.ask(&request).await;
    assert_eq!(response.header("x-nexus-provider"), Some("Renamed"));
    assert_eq!(old.requests().len(), 1);
    let bearer = new.request(0).await;
    assert_eq!(
        bearer.header("authorization"),
        Some("Bearer sk-another-0123456789")
    );
}

#[tokio::test]
async fn keys_that_an_update_leaves_out_stay() {
    let (rig, upstream) = Rig::over(openai::server(&["x"], 1, 1)).await;
    let update = json!({"name": "Renamed", "server_url": upstream.url()});
    assert_eq!(
        rig.admin("PUT", "/providers/1", Some(update)).await.status,
        200
    );
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.header("x-nexus-provider"), Some("Renamed"));
    let bearer = format!("Bearer {SERVER_KEY}");
    assert_eq!(
        upstream.request(0).await.header("authorization"),
        Some(&*bearer)
    );
}

#[tokio::test]
async fn a_deleted_provider_serves_no_more_but_ends_what_it_began() {
    let gate = nexus_lib::testing::Gate::new();
    let events = openai::stream_events(&["a", "b"], None);
    let answer = nexus_lib::testing::Answer::events(&[&events[0]]).pause(&gate);
    let answer = answer.sse(&[&events[1], &events[2], &events[3]]).end();
    let (rig, _upstream) = Rig::over(answer).await;
    let mut client = rig.send(&chat(STREAM)).await;
    client.head().await;
    client.event().await.unwrap();
    assert_eq!(rig.admin("DELETE", "/providers/1", None).await.status, 204);
    assert_eq!(rig.chat(PLAIN).await.status, 401);
    gate.open();
    let rest = client.body().await;
    assert!(rest.text().ends_with(openai::DONE), "{}", rest.text());
}

#[tokio::test]
async fn a_program_may_register_without_http() {
    let rig = Rig::start().await;
    let upstream = FakeUpstream::start(openai::server(&["x"], 2, 3)).await;
    let spec = ProviderSpec::new("Direct", upstream.url(), SERVER_KEY, KEY);
    let provider = rig.gateway.registry().add_provider(spec).await.unwrap();
    let model = NewModel::new(provider.id, MODEL);
    rig.gateway.registry().add_model(model).await.unwrap();
    assert_eq!(provider.id, ProviderId(1));
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.header("x-nexus-provider"), Some("Direct"));

    let request = nexus_lib::ChatRequest::new(MODEL).user("hi").key(KEY);
    let reply = rig.gateway.chat(request).await.unwrap();
    assert_eq!(reply.completion.text(), "x");
    let rows = rig.rows().await;
    assert_eq!(rows[0]["request_id"], reply.request_id.to_string());
    assert_eq!(rows[0]["total_tokens"], 5);
}
