//! Slow clients with an upstream that sends as fast as possible.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nexus_lib::testing::openai;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::server::{Home, Server, chat};

const CLIENTS: usize = 200;
const STREAM_BYTES: u64 = 100 << 20;
/// The upstream's socket buffer: small, so that what it could write is what was read from it.
const SOCKET_BUFFER: u32 = 16 * 1024;

/// An upstream whose answers are streams of [`STREAM_BYTES`]; it counts what it could write.
async fn upstream(tasks: &mut JoinSet<()>, written: Arc<AtomicU64>) -> SocketAddr {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(SOCKET_BUFFER).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener: TcpListener = socket.listen(1024).unwrap();
    let addr = listener.local_addr().unwrap();
    tasks.spawn(async move {
        let mut streams = JoinSet::new();
        while let Ok((socket, _)) = listener.accept().await {
            streams.spawn(stream(socket, Arc::clone(&written)));
        }
    });
    addr
}

async fn stream(mut socket: TcpStream, written: Arc<AtomicU64>) {
    let mut request = [0; 4096];
    let _ = socket.read(&mut request).await;
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let event = openai::delta_event(&"x".repeat(1000));
    let chunk = format!("{:x}\r\n{event}\r\n", event.len()).repeat(16);
    let mut bytes = head.as_bytes();
    let mut total = 0;
    while total < STREAM_BYTES {
        let Ok(count @ 1..) = socket.write(bytes).await else {
            return;
        };
        let count_u64 = u64::try_from(count).unwrap();
        total += count_u64;
        written.fetch_add(count_u64, Ordering::Relaxed);
        bytes = &bytes[count..];
        if bytes.is_empty() {
            bytes = chunk.as_bytes();
        }
    }
}

async fn slow_client(server: &Server) -> TcpStream {
    let mut client = TcpStream::connect(server.api).await.unwrap();
    let request = chat("key", "m", "hi", true).to_bytes();
    client.write_all(&request).await.unwrap();
    client
}

/// The server's resident memory, in KiB.
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

/// Waits until nothing has been written for a while; returns the total.
async fn at_rest(written: &AtomicU64) -> u64 {
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    let (mut last, mut still) = (0, 0);
    while still < 5 {
        ticks.tick().await;
        let now = written.load(Ordering::Relaxed);
        still = if now == last { still + 1 } else { 0 };
        last = now;
    }
    last
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_clients_slow_their_upstreams_and_cost_little() {
    let home = Home::new();
    let server = home.start(&[], &[]);
    let written = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    let upstream = upstream(&mut tasks, Arc::clone(&written)).await;
    let url = format!("http://{upstream}/v1");
    server.register(&url, "", "key", "m").await;

    // The memory of the first client belongs to the server.
    let mut clients = vec![slow_client(&server).await];
    at_rest(&written).await;
    let before = resident(&server);
    while clients.len() <= CLIENTS {
        clients.push(slow_client(&server).await);
    }
    let taken = at_rest(&written).await / count(clients.len());
    assert!(
        taken < 1 << 20,
        "{taken} bytes were taken from each upstream"
    );
    let mut piece = [0; 1024];
    for _ in 0..5 {
        for client in &mut clients {
            client.read_exact(&mut piece).await.unwrap();
        }
    }
    let more = at_rest(&written).await / count(clients.len()) - taken;
    assert!(
        more < 256 << 10,
        "{more} bytes more, for 5 KiB that were read"
    );
    let each = (resident(&server) - before) / count(CLIENTS);
    // About 200; less for an optimized build.
    assert!(each < 320, "{each} KiB for each client");
}

fn count(clients: usize) -> u64 {
    u64::try_from(clients).unwrap()
}
