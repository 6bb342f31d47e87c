use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use nexus_lib::testing::{Ending, RawClient, openai};
use tokio::task::JoinSet;

use super::chat::{Chat, Kind};
use crate::server::Server;

/// Half of them chat plainly, half streamed.
const CLIENTS: u64 = 48;

/// What a client got of an answer before the server died.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) chat: Chat,
    pub(super) request_id: String,
    /// All of it, not only its head.
    pub(super) whole: bool,
}

impl Seen {
    fn whole(self) -> Self {
        Self {
            whole: true,
            ..self
        }
    }
}

/// One run of a server under load.
pub(super) struct Round {
    addr: SocketAddr,
    server: Mutex<Server>,
    /// How many more things the clients see before the server is killed.
    left: AtomicU64,
    dead: AtomicBool,
    seen: Mutex<Vec<Seen>>,
}

/// Puts the server under load, and kills it at the instant at which a client sees the `sights`th
/// piece of an answer: a head, an event or an end. `started` counts the chats of all rounds.
pub(super) async fn run(server: Server, sights: u64, started: &Arc<AtomicU64>) -> Vec<Seen> {
    let round = Arc::new(Round {
        addr: server.api,
        server: Mutex::new(server),
        left: AtomicU64::new(sights),
        dead: AtomicBool::new(false),
        seen: Mutex::default(),
    });
    let mut clients = JoinSet::new();
    for index in 0..CLIENTS {
        let (round, started) = (Arc::clone(&round), Arc::clone(started));
        clients.spawn(async move {
            let mut client = None;
            while !round.dead.load(Ordering::SeqCst) {
                // Even chats are plain, odd ones are streamed.
                let chat = Chat(started.fetch_add(1, Ordering::SeqCst) * 2 + index % 2);
                client = round.chat(client, chat).await;
            }
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    let round = Arc::into_inner(round).unwrap();
    // Dropping it waits for it: nothing of it is left when the next one starts.
    drop(round.server);
    round.seen.into_inner().unwrap()
}

impl Round {
    /// One chat; returns the connection if it can be reused.
    async fn chat(&self, client: Option<RawClient>, chat: Chat) -> Option<RawClient> {
        let mut client = match client {
            Some(client) => client,
            None => RawClient::try_connect(self.addr).await.ok()?,
        };
        client.send(&chat.request().to_bytes()).await;
        let head = client.try_head().await?;
        assert_eq!(head.status, 200, "{chat:?}");
        assert_eq!(
            head.header("x-conversation-id"),
            Some(chat.conversation().as_str())
        );
        let seen = Seen {
            chat,
            request_id: head.header("x-request-id").unwrap().to_owned(),
            whole: false,
        };
        self.saw(&seen);
        match chat.kind() {
            Kind::Plain => self.read_plain(&mut client, seen).await,
            Kind::Cancelled => {
                for _ in 0..chat.patience() {
                    client.event().await?;
                    self.saw(&seen);
                }
                match chat.is_slow() {
                    true => client.reset(),
                    false => client.close(),
                }
                return None;
            }
            Kind::Streamed | Kind::Cut => self.read_stream(&mut client, seen).await,
        }
        (client.ending() == Some(Ending::Complete)).then_some(client)
    }

    async fn read_plain(&self, client: &mut RawClient, seen: Seen) {
        let body = client.body().await;
        if body.ending == Ending::Complete {
            assert_eq!(body.json(), seen.chat.completion());
            self.saw(&seen.whole());
        }
    }

    /// Reads a stream to its final event: an error if it was interrupted, otherwise `[DONE]`.
    async fn read_stream(&self, client: &mut RawClient, seen: Seen) {
        let mut text = String::new();
        while let Some(event) = client.event().await {
            let event = std::str::from_utf8(&event).unwrap();
            text.push_str(event);
            let is_last = match seen.chat.kind() {
                Kind::Cut => event.contains("stream_interrupted"),
                _ => event == openai::DONE,
            };
            if is_last {
                assert!(text.contains(&seen.chat.answer()), "{text}");
                self.saw(&seen.clone().whole());
            } else {
                self.saw(&seen);
            }
        }
    }

    fn saw(&self, seen: &Seen) {
        // Before anything else: the server gets no time to catch up with what clients saw.
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.server.lock().unwrap().kill();
            self.dead.store(true, Ordering::SeqCst);
        }
        self.seen.lock().unwrap().push(seen.clone());
    }
}
