//! A thousand WebSockets with two parallel streams each: checks that all of them arrive intact, and
//! measures the memory of each.
//!
//! `cargo run --release -p nexus-benches --bin sockets`. The gateway is a process of its own: the
//! reported memory is its growth from all sockets being open without a chat to all streams being
//! open. It needs about 4,000 files in each process (`ulimit -n`).

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use nexus_lib::testing::{Answer, FakeUpstream, Gate, Script, openai};
use nexus_lib::wire::TimeRange;
use nexus_lib::{Gateway, NewModel, ProviderSpec, SqliteStore};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SOCKETS: usize = 1_000;
const STREAMS: usize = 2;
/// Events per stream.
const WORDS: usize = 50;
const MODEL: &str = "bench";
const KEY: &str = "bench-client-key";

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;
type Socket = WebSocketStream<TcpStream>;

#[tokio::main]
async fn main() -> Result<()> {
    match std::env::args().nth(1) {
        Some(upstream) => serve(upstream).await,
        None => load().await,
    }
}

/// The gateway: prints its address to stdout, serves until stdin ends, and prints the content of
/// its ledger.
async fn serve(upstream: String) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(folder.path().join("nexus.db")).await?;
    let gateway = Gateway::builder(store).build().await?;
    let provider = ProviderSpec::new("bench", upstream, "", KEY);
    let provider = gateway.registry().add_provider(provider).await?;
    let model = NewModel::new(provider.id, MODEL);
    gateway.registry().add_model(model).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let api = gateway.api();
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(api.clone());
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection.with_upgrades());
        }
    });
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
    let totals = gateway.ledger().totals(TimeRange::ALL).await?;
    let figures = [
        totals.requests,
        totals.prompt_tokens,
        totals.completion_tokens,
    ];
    println!("{}", json!(figures));
    serving.abort();
    Ok(gateway.close().await?)
}

/// The clients and the upstream.
async fn load() -> Result<()> {
    let gate = Gate::new();
    let upstream = upstream(&gate).await;
    let mut gateway = Command::new(std::env::current_exe()?)
        .arg(upstream.url())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let pid = gateway.id();
    let mut said = BufReader::new(gateway.stdout.take().ok_or("no stdout")?);
    let addr: SocketAddr = line(&mut said)?.parse()?;

    let mut sockets = Vec::with_capacity(SOCKETS);
    for _ in 0..SOCKETS {
        let stream = TcpStream::connect(addr).await?;
        let mut request = format!("ws://{addr}/ws/chat").into_client_request()?;
        request.headers_mut().insert("x-api-key", KEY.parse()?);
        sockets.push(client_async(request, stream).await?.0);
    }
    let before = resident_kib(pid)?;
    for (number, socket) in sockets.iter_mut().enumerate() {
        for stream in 0..STREAMS {
            let id = format!("{number}.{stream}");
            let request = json!({"model": MODEL, "messages": [{"role": "user", "content": id}]});
            let frame = json!({"type": "chat", "id": id, "request": request}).to_string();
            socket.send(Message::text(frame)).await?;
        }
        for _ in 0..STREAMS {
            next(socket).await?;
        }
    }
    let streams = SOCKETS * STREAMS;
    let each = resident_kib(pid)?.saturating_sub(before) / streams;

    let began = Instant::now();
    gate.open();
    let mut reading = Vec::with_capacity(SOCKETS);
    for (number, socket) in sockets.into_iter().enumerate() {
        reading.push(tokio::spawn(finish(socket, number)));
    }
    for socket in reading {
        socket.await??;
    }
    let took = began.elapsed();
    drop(gateway.stdin.take());
    let figures: [usize; 3] = serde_json::from_str(&line(&mut said)?)?;
    let [requests, prompt, completion] = figures;
    let asked = upstream.requests().len();
    println!("{streams} streams on {SOCKETS} sockets came intact, {WORDS} words each, in {took:?}");
    println!("{each} KiB a stream (budget: 64); {before} KiB with {SOCKETS} idle sockets");
    println!(
        "on the ledger: {requests} requests, {prompt} and {completion} tokens; the upstream was asked {asked} times"
    );
    if !gateway.wait()?.success() {
        return Err("the gateway did not exit cleanly".into());
    }
    match figures == [streams, 7 * streams, 3 * streams] && asked == streams {
        true if each < 64 => Ok(()),
        true => Err("over the budget".into()),
        false => Err("the ledger does not match the upstream's requests".into()),
    }
}

fn line(said: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    said.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

/// Streams that wait after their first word until the gate is opened.
async fn upstream(gate: &Gate) -> FakeUpstream {
    let held = gate.clone();
    FakeUpstream::start(Script::by(move |request| {
        let body = request.json();
        let id = body["messages"][0]["content"].as_str().unwrap_or_default();
        let words: Vec<String> = (0..WORDS).map(|word| format!("{id}-{word};")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let events = openai::stream_events(&words, Some((7, 3)));
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        let (first, rest) = events.split_at(1);
        Answer::events(first).pause(&held).sse(rest).end()
    }))
    .await
}

async fn next(socket: &mut Socket) -> Result<Value> {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(60), socket.next()).await?;
        match message.ok_or("the socket ended")?? {
            Message::Text(text) => return Ok(serde_json::from_str(&text)?),
            Message::Ping(_) | Message::Pong(_) => {}
            other => return Err(format!("{other:?}").into()),
        }
    }
}

/// Reads the rest of both streams, and compares it with what is expected.
async fn finish(mut socket: Socket, number: usize) -> Result<()> {
    let mut seen = [1; STREAMS];
    let mut open = STREAMS;
    while open > 0 {
        let frame = next(&mut socket).await?;
        let id = frame["id"].as_str().ok_or("no id")?;
        let stream: usize = id.rsplit('.').next().ok_or("no stream")?.parse()?;
        match frame["type"].as_str() {
            Some("chunk") => {
                if let Some(word) = frame["data"]["choices"][0]["delta"]["content"].as_str() {
                    let expected = format!("{number}.{stream}-{};", seen[stream]);
                    if word != expected {
                        return Err(format!("{word} instead of {expected}").into());
                    }
                    seen[stream] += 1;
                }
            }
            Some("done") if frame["usage"]["total_tokens"] == 10 => open -= 1,
            _ => return Err(frame.to_string().into()),
        }
    }
    match seen == [WORDS; STREAMS] {
        true => Ok(()),
        false => Err(format!("{seen:?} of {WORDS} words").into()),
    }
}

fn resident_kib(pid: u32) -> Result<usize> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let figure = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(figure.ok_or("no VmRSS")?.parse()?)
}
