use std::future::{Future, poll_fn};
use std::pin::pin;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use super::{Destination, DialError};
use crate::wire::ProxyUrl;

/// The longest head of an answer to `CONNECT`, in bytes.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Asks the proxy at the other end of `stream` for a tunnel (RFC 9110, section 9.3.6).
///
/// # Cancel safety
/// If dropped, the connection is dropped.
pub(super) async fn tunnel(
    stream: TcpStream,
    proxy: &ProxyUrl,
    destination: &Destination,
) -> Result<TcpStream, DialError> {
    let request = request(proxy, destination)?;
    let (mut sender, mut connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(DialError::proxy)?;
    let mut answer = pin!(sender.send_request(request));
    let mut is_over = false;
    // Driven from here, so that no task is left, and the plain stream is returned.
    let answer = poll_fn(|cx| {
        if !is_over {
            // The answer reports the same as how it ends.
            is_over = connection.poll_without_shutdown(cx).is_ready();
        }
        answer.as_mut().poll(cx)
    });
    let status = answer.await.map_err(DialError::proxy)?.status();
    if !status.is_success() {
        return Err(refusal(status));
    }
    let parts = connection.into_parts();
    match parts.read_buf.is_empty() {
        true => Ok(parts.io.into_inner()),
        // In neither HTTP nor TLS does the server send first.
        false => Err(DialError::proxy("the proxy sent data before the upstream")),
    }
}

fn request(
    proxy: &ProxyUrl,
    destination: &Destination,
) -> Result<Request<Empty<Bytes>>, DialError> {
    let mut request = Request::new(Empty::new());
    *request.method_mut() = Method::CONNECT;
    let authority = destination.authority.as_str();
    *request.uri_mut() = authority.parse().map_err(DialError::beyond)?;
    let host = HeaderValue::from_str(authority).map_err(DialError::beyond)?;
    let headers = request.headers_mut();
    headers.insert(header::HOST, host);
    if let Some((user, password)) = proxy.expose_credentials() {
        // RFC 7617, section 2.
        let pair = Zeroizing::new(format!("{user}:{password}"));
        let basic = Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(&*pair)));
        let mut basic = HeaderValue::from_str(&basic).map_err(DialError::proxy)?;
        basic.set_sensitive(true);
        headers.insert(header::PROXY_AUTHORIZATION, basic);
    }
    Ok(request)
}

/// A proxy that answers 403 or 5xx works, and reports on the upstream: squid answers 503 if it
/// cannot reach it, tinyproxy 500. 501 means that the proxy has no tunnels.
fn refusal(status: StatusCode) -> DialError {
    let cause = format!("the proxy answered CONNECT with {status}");
    match status {
        StatusCode::NOT_IMPLEMENTED => DialError::proxy(cause),
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => DialError::beyond(cause),
        status if status.is_server_error() => DialError::beyond(cause),
        _ => DialError::proxy(cause),
    }
}
