//! Traffic through a pool that fails at random: everything that any candidate could serve is
//! served, everything else gets an error, every row is settled and memory stays flat.
//!
//! A few thousand chats by default; with `NEXUS_SOAK_SECONDS` for that long.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nexus_lib::testing::{
    Answer, Ending, FakeUpstream, RawClient, RawRequest, RecordedRequest, Script, openai,
    refused_addr,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::server::{self, Home, Server};

const KEY: &str = "soak-key";
const MODEL: &str = "soak-model";
/// The working providers; a fourth is down.
const LIVING: [&str; 3] = ["a", "b", "c"];
const CLIENTS: u64 = 24;
const CHATS: u64 = 3_000;
/// How much a warm process may still grow, in addition to remembered replies: rows in caches.
const GROWTH_KIB: u64 = 24 * 1024;
/// The memory of replies, each kept for half an hour: 64 bytes, for at most a million of them.
const REMEMBERED: u64 = 1_000_000;

/// The result of a chat at one provider, constant over retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// One in five.
    Fails(u64),
    /// One in ten streams: interrupted in the middle.
    IsCut,
    Serves,
}

/// A chat's number determines everything; odd ones are streamed.
#[derive(Debug, Clone, Copy)]
struct Chat(u64);

impl Chat {
    fn is_streamed(self) -> bool {
        self.0 % 2 == 1
    }

    fn fate(self, provider: &str) -> Fate {
        // The finalizer of splitmix64: well spread, and the same in every run.
        let seed = u64::from(provider.as_bytes()[0]) << 32 | self.0;
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let drawn = mixed >> 32;
        match drawn % 10 {
            0 | 1 => Fate::Fails(drawn / 10),
            2 if self.is_streamed() => Fate::IsCut,
            _ => Fate::Serves,
        }
    }

    fn tokens(self) -> (u64, u64) {
        (10 + self.0 % 7, 1 + self.0 % 11)
    }

    fn text(self) -> String {
        format!("answer {};", self.0)
    }

    fn request(self) -> RawRequest {
        server::chat(KEY, MODEL, &self.0.to_string(), self.is_streamed())
    }
}

fn provider(name: &'static str) -> Script {
    Script::by(move |request: &RecordedRequest| {
        let text = request.json()["messages"][0]["content"].clone();
        let chat = Chat(text.as_str().and_then(|text| text.parse().ok()).unwrap());
        let (prompt, completion) = chat.tokens();
        match chat.fate(name) {
            Fate::Fails(how) => failure(how, chat),
            Fate::IsCut => Answer::events(&[&openai::delta_event(&chat.text())]).cut(),
            Fate::Serves if chat.is_streamed() => {
                openai::stream(request, &[&chat.text(), "and more"], prompt, completion)
            }
            Fate::Serves => {
                let body = openai::completion(&chat.text(), prompt, completion);
                Answer::json(200, body.to_string())
            }
        }
    })
}

/// All ways to fail before the first byte.
fn failure(how: u64, chat: Chat) -> Answer {
    let error = openai::error("no", "server_error", "no").to_string();
    match how % 7 {
        0 => Answer::json(500, error),
        1 => Answer::json(503, error),
        2 => Answer::fixed(429, &[("retry-after-ms", "5")], error),
        3 => Answer::new().cut(),
        4 => Answer::new().reset(),
        5 if chat.is_streamed() => Answer::events(&[&format!("data: {error}\n\n")]).end(),
        _ => Answer::json(200, ""),
    }
}

/// What the clients got.
#[derive(Default)]
struct Seen {
    /// By the expected row: completed, failed after the first byte, failed before it.
    rows: Mutex<HashMap<String, (&'static str, Chat)>>,
    refused: AtomicU64,
    cut: AtomicU64,
}

/// Runs one chat and checks its result.
async fn ask(client: &mut RawClient, chat: Chat, seen: &Seen) {
    client.send(&chat.request().to_bytes()).await;
    let head = client.head().await;
    let body = client.body().await;
    let by = head.header("x-nexus-provider").unwrap().to_owned();
    let id = head.header("x-request-id").unwrap().to_owned();
    let fails = |name: &&str| matches!(chat.fate(name), Fate::Fails(_));
    let state = match (head.status, chat.is_streamed()) {
        (200, _) if chat.fate(&by) == Fate::IsCut => {
            let text = body.text();
            assert!(text.contains("stream_interrupted") && !text.contains("[DONE]"));
            seen.cut.fetch_add(1, Ordering::Relaxed);
            "failed"
        }
        (200, true) => {
            assert_eq!(chat.fate(&by), Fate::Serves, "{chat:?} by {by}");
            assert!(body.text().contains(&chat.text()) && body.text().ends_with(openai::DONE));
            "completed"
        }
        (200, false) => {
            let (prompt, completion) = chat.tokens();
            let expected = openai::completion(&chat.text(), prompt, completion);
            assert_eq!(body.json(), expected, "{chat:?} by {by}");
            "completed"
        }
        (status, _) => {
            let could = LIVING.iter().any(|name| !fails(name));
            assert!(!could, "{chat:?} was told {status}: {}", body.text());
            seen.refused.fetch_add(1, Ordering::Relaxed);
            "failed"
        }
    };
    assert_eq!(body.ending, Ending::Complete);
    seen.rows.lock().unwrap().insert(id, (state, chat));
}

fn resident_kib(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

async fn add(server: &Server, name: &str, url: &str) {
    let provider =
        json!({"name": name, "server_url": url, "server_key": "", "personalized_key": KEY});
    let request = RawRequest::post("/providers").body(provider.to_string());
    let id = server.admin(&request).await.body.json()["id"].clone();
    let model = json!({"provider_id": id, "model_name": MODEL});
    let request = RawRequest::post("/provider_models").body(model.to_string());
    assert_eq!(server.admin(&request).await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_that_fails_at_random_serves_whatever_it_can() {
    let soak = std::env::var("NEXUS_SOAK_SECONDS").ok();
    let soak = soak
        .and_then(|seconds| seconds.parse().ok())
        .map(Duration::from_secs);
    let home = Home::new();
    let server = Arc::new(home.start(&[], &[]));
    let mut upstreams = Vec::new();
    for name in LIVING {
        let upstream = FakeUpstream::start(provider(name)).await;
        add(&server, name, &upstream.url()).await;
        upstreams.push(upstream);
    }
    add(&server, "down", &format!("http://{}", refused_addr().await)).await;

    let (seen, next, over) = (
        Arc::new(Seen::default()),
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let warm = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (seen, next, over) = (Arc::clone(&seen), Arc::clone(&next), Arc::clone(&over));
        let (server, warm) = (Arc::clone(&server), Arc::clone(&warm));
        clients.spawn(async move {
            let mut client = RawClient::connect(server.api).await;
            while !over.load(Ordering::Relaxed) {
                let chat = Chat(next.fetch_add(1, Ordering::Relaxed));
                ask(&mut client, chat, &seen).await;
                if chat.0 == CHATS / 2 {
                    warm.store(resident_kib(&server), Ordering::Relaxed);
                }
                let is_over = match soak {
                    Some(soak) => began.elapsed() >= soak,
                    None => chat.0 >= CHATS,
                };
                if is_over {
                    over.store(true, Ordering::Relaxed);
                }
            }
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }

    let (before, after) = (warm.load(Ordering::Relaxed), resident_kib(&server));
    let grown = after.saturating_sub(before);
    let rows = check_rows(&server, &seen).await;
    let remembered_kib = u64::try_from(rows).unwrap().min(REMEMBERED) / 16;
    assert!(
        grown < GROWTH_KIB + remembered_kib,
        "from {before} to {after} KiB in {rows} chats"
    );
    let (refused, cut) = (&seen.refused, &seen.cut);
    println!(
        "{rows} chats in {:?}: {cut:?} were cut, {refused:?} could be served by nobody; {before} KiB \
         resident when warm, {after} at the end",
        began.elapsed()
    );
    let server = Arc::into_inner(server).unwrap();
    server.stop().await;
}

/// Every request has its row, which matches what its client got.
async fn check_rows(server: &Server, seen: &Seen) -> usize {
    let mut seen = std::mem::take(&mut *seen.rows.lock().unwrap());
    let total = server.admin_json("/stats/total").await;
    let completed = seen.values().filter(|(state, _)| *state == "completed");
    assert_eq!(total["requests"], seen.len());
    assert_eq!(total["total_rounds"], completed.count());
    let rows = seen.len();
    let mut before = String::new();
    loop {
        let page = server
            .admin_json(&format!("/stats/requests?limit=500{before}"))
            .await;
        for row in page["requests"].as_array().unwrap() {
            let (state, chat) = seen.remove(row["request_id"].as_str().unwrap()).unwrap();
            assert_eq!(row["state"], state, "{row}");
            if state == "completed" {
                let (prompt, completion) = chat.tokens();
                assert_eq!(row["prompt_tokens"], prompt, "{row}");
                assert_eq!(row["completion_tokens"], completion, "{row}");
            }
        }
        match &page["next"] {
            Value::String(next) => before = format!("&before={next}"),
            _ => break,
        }
    }
    assert!(seen.is_empty(), "without a row: {seen:?}");
    rows
}
