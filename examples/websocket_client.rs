//! A chat over WebSocket: several at once on one socket, one of them cancelled, one resumed on
//! another socket.
//!
//! `cargo run -p nexus-examples --example websocket_client` uses a gateway of its own with the
//! built-in model. For another one: `… -- ws://127.0.0.1:5231/ws/chat your-custom-key gpt-4`.

use std::error::Error;

use futures_util::{SinkExt, StreamExt};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use nexus_lib::{Gateway, NewModel, ProviderSpec, SqliteStore};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Result<T> = std::result::Result<T, Box<dyn Error>>;
type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[tokio::main]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--once");
    if let Some(url) = args.next() {
        let key = args.next().ok_or("pass a key after the address")?;
        let model = args.next().ok_or("pass a model after the key")?;
        return talk(&url, &key, &model).await;
    }
    // A real program uses a permanent folder.
    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(folder.path().join("nexus.db")).await?;
    let nexus = Gateway::builder(store).build().await?;
    let spec = ProviderSpec::new("demo", "http://demo.invalid", "", "demo-key").kind("demo");
    let demo = nexus.registry().add_provider(spec).await?;
    let model = NewModel::new(demo.id, "nexus-echo");
    nexus.registry().add_model(model).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/ws/chat", listener.local_addr()?);
    let talked = tokio::select! {
        talked = talk(&url, "demo-key", "nexus-echo") => talked,
        served = serve(listener, &nexus) => served.map_err(Into::into),
    };
    nexus.close().await?;
    talked
}

/// Serves for as long as it is polled.
async fn serve(listener: TcpListener, nexus: &Gateway) -> std::io::Result<()> {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(nexus.api());
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        // Without this no connection can become a WebSocket.
        connections.spawn(connection.with_upgrades());
    }
}

async fn talk(url: &str, key: &str, model: &str) -> Result<()> {
    let mut socket = connect(url, key).await?;
    // Two at once. Their events arrive as they are ready, each with its chat's id.
    for id in ["one", "two"] {
        socket
            .send(chat(id, model, &format!("I am number {id}.")))
            .await?;
    }
    let mut open = 2;
    while open > 0 {
        let frame = next(&mut socket).await?;
        let id = frame["id"].as_str().unwrap_or_default();
        match frame["type"].as_str() {
            Some("chunk") => {
                let delta = &frame["data"]["choices"][0]["delta"]["content"];
                if let Some(words) = delta.as_str() {
                    println!("{id}: {words}");
                }
            }
            Some("done") => {
                println!("{id}: done, {}", frame["usage"]);
                open -= 1;
            }
            _ => return Err(frame.to_string().into()),
        }
    }

    // One that outlives its socket: its first frame contains the id for resuming it.
    let mut resumable: Value =
        serde_json::from_str(chat("later", model, "Wait for me.").to_text()?)?;
    resumable["resumable"] = json!(true);
    socket.send(Message::text(resumable.to_string())).await?;
    let accepted = next(&mut socket).await?;
    drop(socket);
    let mut socket = connect(url, key).await?;
    let resume = json!({
        "type": "resume", "id": "later", "request_id": accepted["request_id"], "after": 0,
    });
    socket.send(Message::text(resume.to_string())).await?;
    loop {
        let frame = next(&mut socket).await?;
        match frame["type"].as_str() {
            Some("chunk") => {}
            Some("done") => break,
            _ => return Err(frame.to_string().into()),
        }
    }
    println!("later: taken up again, and done");
    Ok(socket.close(None).await?)
}

async fn connect(url: &str, key: &str) -> Result<Socket> {
    let mut request = url.into_client_request()?;
    let bearer = format!("Bearer {key}").parse()?;
    request.headers_mut().insert("authorization", bearer);
    Ok(connect_async(request).await?.0)
}

fn chat(id: &str, model: &str, text: &str) -> Message {
    let request = json!({"model": model, "messages": [{"role": "user", "content": text}]});
    Message::text(json!({"type": "chat", "id": id, "request": request}).to_string())
}

async fn next(socket: &mut Socket) -> Result<Value> {
    loop {
        match socket.next().await.ok_or("the socket was closed")?? {
            Message::Text(text) => return Ok(serde_json::from_str(&text)?),
            Message::Close(close) => return Err(format!("closed: {close:?}").into()),
            _ => {}
        }
    }
}
