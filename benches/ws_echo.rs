//! Echoes everything that arrives over a WebSocket, through the same code as chats: the counterpart
//! of the protocol's own test suite. See `nexus-server/tests/autobahn`.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use nexus_lib::http::EchoService;
use tokio::net::TcpListener;

/// The suite sends up to 16 MiB.
const MAX_FRAME_BYTES: usize = 64 << 20;

#[tokio::main]
async fn main() -> std::io::Result<Infallible> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok());
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap_or(0)));
    let listener = TcpListener::bind(addr).await?;
    println!("ws://{}", listener.local_addr()?);
    let echo = EchoService::new(MAX_FRAME_BYTES);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = TowerToHyperService::new(echo.clone());
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connection.with_upgrades());
    }
}
