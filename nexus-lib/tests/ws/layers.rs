//! Chats over WebSocket go through an application's layers, too.

use http::StatusCode;
use nexus_lib::Error;
use nexus_lib::call::{Reply, Routed};
use nexus_lib::gateway::ReplyService;
use nexus_lib::testing::openai;
use nexus_lib::wire::ChatCompletion;
use tower::layer::layer_fn;
use tower::{ServiceExt, service_fn};

use crate::client::{Client, words};
use crate::support::Rig;

#[tokio::test]
async fn a_layer_answers_and_refuses_chats_of_a_socket() {
    let layer = layer_fn(|inner: ReplyService| {
        service_fn(move |routed: Routed| {
            let inner = inner.clone();
            async move {
                match &*routed.as_chat()?.messages[0].text() {
                    "answer" => {
                        let completion = ChatCompletion::of_text("m", "from the layer");
                        Ok(Reply::completion(&routed, completion)?.answered_by("layer"))
                    }
                    "refuse" => Err(Error::refused(
                        StatusCode::FORBIDDEN,
                        "content_filter",
                        "no",
                    )),
                    _ => inner.oneshot(routed).await,
                }
            }
        })
    });
    let rig = Rig::with(|builder| builder.layer_replies(layer)).await;
    let upstream = rig
        .add_upstream("Up", 0, openai::server(&["a", "b"], 7, 5))
        .await;
    let mut client = Client::connect(&rig).await;
    client.chat("answer", true).await;
    let frames = client.frames().await;
    assert_eq!(words(&frames), "from the layer");
    assert_eq!(frames.last().unwrap()["type"], "done");
    client.chat("refuse", true).await;
    let frames = client.frames().await;
    assert_eq!(frames[0]["error"]["code"], "content_filter", "{frames:?}");
    client.chat("pass", true).await;
    assert_eq!(words(&client.frames().await), "ab");
    assert_eq!(upstream.requests().len(), 1);
    assert_eq!(rig.rows().await.len(), 3);
}
