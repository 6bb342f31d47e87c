//! How a socket is closed by us, and why.

use std::borrow::Cow;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// How long a client may take to answer that we close.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// Why a socket is closed by us: the code, and a word to it.
pub(super) type Closing = (CloseCode, &'static str);

pub(super) const NO_ROOM: Closing = (
    CloseCode::Again,
    "there is no memory for this frame; try again",
);
pub(super) const UNAUTHORIZED: Closing = (CloseCode::Library(4401), "no valid key was shown");
pub(super) const NO_TEXT: Closing = (CloseCode::Unsupported, "frames are text");
pub(super) const GOING_AWAY: Closing = (CloseCode::Away, "the gateway is shutting down");
pub(super) const NO_ANSWER: Closing = (CloseCode::Away, "two pings were not answered");

/// What a client is told of a connection that cannot go on; `None` when nobody is there to be told.
pub(super) fn why(error: &WsError) -> Option<Closing> {
    match error {
        WsError::Utf8(_) => Some((CloseCode::Invalid, "text frames are UTF-8")),
        WsError::Capacity(CapacityError::MessageTooLong { .. }) => {
            Some((CloseCode::Size, "the frame is too long"))
        }
        WsError::Protocol(_) => Some((CloseCode::Protocol, "this is no WebSocket frame")),
        _ => None,
    }
}

#[cfg(feature = "test-util")]
/// The farewell for `error`, for those who have only the socket.
pub(super) fn closing(error: &WsError) -> Option<CloseFrame> {
    why(error).map(|(code, reason)| CloseFrame {
        code,
        reason: reason.into(),
    })
}

/// Says farewell, and waits for the client's, but not for long.
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
    // Whoever does not answer is left.
    let _ = timeout(CLOSE_WITHIN, farewell).await;
}
