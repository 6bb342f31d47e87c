use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use futures_util::{SinkExt, StreamExt};
use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tower::Service;

use super::closing::closing;
use super::handshake::open;
use super::{SocketSettings, Sockets};
use crate::http::{Body, respond};

/// Echoes what a client sends: for tests of the protocol itself, through the same code as chats.
#[derive(Clone)]
pub struct EchoService(Sockets);

opaque_debug!(EchoService);

impl EchoService {
    /// With frames of at most `max_frame_bytes`.
    pub fn new(max_frame_bytes: usize) -> Self {
        Self(Sockets::new(SocketSettings {
            max_frame_bytes,
            ..SocketSettings::default()
        }))
    }
}

impl<B> Service<Request<B>> for EchoService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut head, _) = request.into_parts();
        ready(Ok(match open(&mut head) {
            Ok(opened) => {
                self.0.tasks().accept(opened.upgrade, echo);
                opened.response
            }
            Err(error) => respond::error(&error),
        }))
    }
}

async fn echo<I: AsyncRead + AsyncWrite + Unpin>(mut socket: WebSocketStream<I>) {
    while let Some(message) = socket.next().await {
        let sent = match message {
            Ok(message @ (Message::Text(_) | Message::Binary(_))) => socket.send(message).await,
            Ok(_) => Ok(()),
            Err(error) => {
                if let Some(close) = closing(&error) {
                    let _ = socket.close(Some(close)).await;
                }
                return;
            }
        };
        if sent.is_err() {
            return;
        }
    }
}
