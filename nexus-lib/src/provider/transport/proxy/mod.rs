//! The way to an upstream through outbound proxies.
//!
//! A list of proxies is tried in turn, those that are up first, until one of them gives a tunnel; TLS
//! goes through it to the upstream itself. A proxy that fails is down until a check in the background,
//! or a request for want of a better one, finds it up again. Who has proxies is never connected to
//! directly: there is no code here that would.
//!
//! Why not hyper-util's own connectors: their errors do not tell a proxy that fails from an upstream
//! that the proxy cannot reach, and its SOCKS resolves names with a call that blocks.

mod dialer;
mod http_connect;
mod socks5;
mod standing;
mod through;
mod watch;

pub(super) use watch::Proxies;

use http::Uri;
use http::uri::Scheme;

use crate::error::BoxError;

/// Where a tunnel is to lead.
struct Destination {
    /// A name, or an address without brackets.
    host: String,
    port: u16,
    /// Both, as a URL has them.
    authority: String,
}

impl Destination {
    fn of(uri: &Uri) -> Option<Self> {
        let host = uri.host()?;
        let port = uri.port_u16().unwrap_or(match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => 443,
            _ => 80,
        });
        Some(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            authority: format!("{host}:{port}"),
        })
    }
}

/// Why no proxy of a list gave a tunnel: what came of the last one.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoTunnel {
    #[error("the proxy failed")]
    Proxy(#[source] BoxError),
    #[error("the proxy cannot reach the provider")]
    Beyond(#[source] BoxError),
}

/// Why a proxy gave no tunnel.
#[derive(Debug)]
enum DialError {
    /// It cannot be reached, refuses us, or does not speak its protocol.
    Proxy(BoxError),
    /// It does its work, but the upstream cannot be reached from there.
    Beyond(BoxError),
}

impl DialError {
    fn proxy(cause: impl Into<BoxError>) -> Self {
        Self::Proxy(cause.into())
    }

    fn beyond(cause: impl Into<BoxError>) -> Self {
        Self::Beyond(cause.into())
    }
}

/// Asks for a tunnel to `name` over `stream`, a connection to `proxy`.
#[cfg(feature = "fuzzing")]
pub(super) async fn socks5_tunnel(
    stream: &mut (impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin),
    proxy: &crate::wire::ProxyUrl,
    name: &str,
    port: u16,
) -> bool {
    let address = match name.parse() {
        Ok(ip) => socks5::Address::Ip(ip),
        Err(_) => socks5::Address::Name(name),
    };
    socks5::greet(stream, proxy).await.is_ok()
        && socks5::connect(stream, &address, port).await.is_ok()
}
