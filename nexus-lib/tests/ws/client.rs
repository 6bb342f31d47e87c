use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use nexus_lib::testing::DEADLINE;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Message, http};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::support::{KEY, MODEL, Rig};

/// A client of `/ws/chat`.
pub(crate) struct Client(pub(crate) WebSocketStream<TcpStream>);

impl Client {
    /// Connects with these headers; the error is an answer that is not 101.
    pub(crate) async fn connect_with(
        addr: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<(Self, http::Response<Option<Vec<u8>>>), http::Response<Option<Vec<u8>>>> {
        let stream = TcpStream::connect(addr).await.unwrap();
        Self::over(stream, addr, headers).await
    }

    pub(crate) async fn over(
        stream: TcpStream,
        addr: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<(Self, http::Response<Option<Vec<u8>>>), http::Response<Option<Vec<u8>>>> {
        let mut request = format!("ws://{addr}/ws/chat")
            .into_client_request()
            .unwrap();
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        match client_async(request, stream).await {
            Ok((socket, response)) => Ok((Self(socket), response)),
            Err(Error::Http(response)) => Err(*response),
            Err(error) => panic!("{error}"),
        }
    }

    /// Connects with the usual key.
    pub(crate) async fn connect(rig: &Rig) -> Self {
        let bearer = format!("Bearer {KEY}");
        let connected = Self::connect_with(rig.api, &[("authorization", &bearer)]).await;
        connected.map_err(|response| response.status()).unwrap().0
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.send_text(&frame.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// Opens a chat with the usual model.
    pub(crate) async fn chat(&mut self, id: &str, stream: bool) {
        let request = json!({"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": id}]});
        self.send(json!({"type": "chat", "id": id, "request": request}))
            .await;
    }

    async fn message(&mut self) -> Option<Result<Message, Error>> {
        let next = tokio::time::timeout(DEADLINE, self.0.next());
        next.await.expect("a message in time")
    }

    /// The next frame of JSON.
    pub(crate) async fn frame(&mut self) -> Value {
        loop {
            match self.message().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("no frame: {other:?}"),
            }
        }
    }

    /// The frames of a chat, including the last one.
    pub(crate) async fn frames(&mut self) -> Vec<Value> {
        let mut frames = Vec::new();
        loop {
            let frame = self.frame().await;
            let is_last = frame["type"] == "done" || frame["type"] == "error";
            frames.push(frame);
            if is_last {
                return frames;
            }
        }
    }

    /// The server's close code.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        loop {
            match self.message().await {
                Some(Ok(Message::Close(close))) => {
                    return close.map(|CloseFrame { code, .. }| code.into());
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }
}

/// The text of the chunks in `frames`.
pub(crate) fn words(frames: &[Value]) -> String {
    let chunks = frames.iter().filter(|frame| frame["type"] == "chunk");
    let words = chunks.map(|chunk| chunk["data"]["choices"][0]["delta"]["content"].as_str());
    words.flatten().collect()
}
