use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::request::Parts;
use http::{Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::error::{Error, ErrorKind, Result};
use crate::http::Body;

/// The subprotocol of this port.
const PROTOCOL: &str = "nexus.chat.v1";

/// Prefix of a key among the subprotocols: browsers can set no other header.
const KEY_PROTOCOL: &str = "nexus.key.";

/// A valid request for a WebSocket.
pub(crate) struct Opened {
    /// The socket, available once the response was sent.
    pub(crate) upgrade: OnUpgrade,
    /// The response: 101.
    pub(crate) response: Response<Body>,
}

/// Answers a handshake (RFC 6455, section 4.2).
///
/// # Errors
/// `InvalidRequest` when it is not a valid handshake.
pub(crate) fn open(head: &mut Parts) -> Result<Opened> {
    let is = |name: HeaderName, token: &str| has_token(&head.headers, &name, token);
    if !is(UPGRADE, "websocket") || !is(CONNECTION, "upgrade") {
        return Err(invalid(
            "this route is a WebSocket: send `Connection: Upgrade` and `Upgrade: websocket`",
        ));
    }
    if head
        .headers
        .get(SEC_WEBSOCKET_VERSION)
        .is_none_or(|version| version != "13")
    {
        return Err(invalid("`Sec-WebSocket-Version` must be 13"));
    }
    let key = head.headers.get(SEC_WEBSOCKET_KEY);
    let key = key.ok_or_else(|| invalid("`Sec-WebSocket-Key` is missing"))?;
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes()))
        .map_err(|_| invalid("`Sec-WebSocket-Key` is invalid"))?;
    let upgrade = head.extensions.remove::<OnUpgrade>().ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidRequest,
            "this connection cannot become a WebSocket; use HTTP/1.1",
        )
    })?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    if protocols(&head.headers).any(|protocol| protocol == PROTOCOL) {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    }
    Ok(Opened { upgrade, response })
}

/// The key among the subprotocols, if present.
///
/// # Errors
/// `InvalidApiKey` when it is not base64url.
pub(crate) fn key_among_protocols(headers: &HeaderMap) -> Result<Option<Vec<u8>>> {
    let key = protocols(headers).find_map(|protocol| protocol.strip_prefix(KEY_PROTOCOL));
    let Some(key) = key else { return Ok(None) };
    match URL_SAFE_NO_PAD.decode(key.trim_end_matches('=')) {
        Ok(key) => Ok(Some(key)),
        Err(_) => Err(Error::new(
            ErrorKind::InvalidApiKey,
            "the subprotocol `nexus.key.` must be followed by the key as base64url",
        )),
    }
}

fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL).into_iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).map(str::trim)
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).into_iter();
    let mut texts = values.filter_map(|value| value.to_str().ok());
    texts.any(|text| {
        text.split(',')
            .any(|one| one.trim().eq_ignore_ascii_case(token))
    })
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidRequest, message)
}
