//! Closing a socket from our side, and the reasons.

use std::borrow::Cow;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// How long a client may take to answer our close frame.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// Why we close a socket: the code and the reason.
pub(super) type Closing = (CloseCode, &'static str);

pub(super) const NO_ROOM: Closing = (
    CloseCode::Again,
    "there is no memory for this frame; try again",
);
pub(super) const UNAUTHORIZED: Closing = (CloseCode::Library(4401), "no valid key was sent");
pub(super) const NO_TEXT: Closing = (CloseCode::Unsupported, "frames must be text");
pub(super) const GOING_AWAY: Closing = (CloseCode::Away, "the gateway is shutting down");
pub(super) const NO_ANSWER: Closing = (CloseCode::Away, "two pings were not answered");

/// The close code for a broken connection; `None` if the client is gone.
pub(super) fn why(error: &WsError) -> Option<Closing> {
    match error {
        WsError::Utf8(_) => Some((CloseCode::Invalid, "text frames must be UTF-8")),
        WsError::Capacity(CapacityError::MessageTooLong { .. }) => {
            Some((CloseCode::Size, "the frame is too long"))
        }
        WsError::Protocol(_) => Some((CloseCode::Protocol, "malformed WebSocket frame")),
        _ => None,
    }
}

#[cfg(feature = "test-util")]
/// The close frame for `error`, for callers without a session.
pub(super) fn closing(error: &WsError) -> Option<CloseFrame> {
    why(error).map(|(code, reason)| CloseFrame {
        code,
        reason: reason.into(),
    })
}

/// Sends a close frame, and waits briefly for the client's.
pub(super) async fn close<I: AsyncRead + AsyncWrite + Unpin>(
    mut io: WebSocketStream<I>,
    (code, reason): Closing,
) {
    let reason = Cow::Borrowed(reason).into_owned().into();
    let farewell = async {
        if io.close(Some(CloseFrame { code, reason })).await.is_ok() {
            while let Some(Ok(_)) = io.next().await {}
        }
    };
    // A client that does not answer is abandoned.
    let _ = timeout(CLOSE_WITHIN, farewell).await;
}
