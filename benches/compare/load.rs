//! The load: a number of connections, each sending its next request when it has its answer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at, timeout};

use crate::connection::Connection;
use crate::pace::Slots;
use crate::request::{Ask, Request};

/// Requests of a connection before it is measured.
const WARM_UP: usize = 3;
/// How long the open requests of a round may take to end.
const PATIENCE: Duration = Duration::from_secs(20);
/// Each connection counts from a multiple of this.
const NUMBERS: usize = 1_000_000;

/// What is sent.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) ask: Ask,
    pub(crate) connections: usize,
    /// Interval between the starts of a connection's requests; none: the next follows at once.
    pub(crate) every: Option<Duration>,
}

/// Connections that are open and warm.
pub(crate) struct Load {
    plan: Plan,
    clients: Vec<Client>,
}

/// The results of a round.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) elapsed: Duration,
    /// From the request's first byte to the answer's last, or to a stream's first event.
    pub(crate) latencies: Vec<Duration>,
}

struct Client {
    connection: Connection,
    request: Request,
    slot: usize,
    slots: Arc<Slots>,
}

impl Load {
    /// Opens the connections, and sends a few requests on each. Rounds with different `round` send
    /// no prompt twice.
    pub(crate) async fn open(
        address: SocketAddr,
        plan: Plan,
        slots: &Arc<Slots>,
        round: usize,
    ) -> io::Result<Self> {
        let mut opening = JoinSet::new();
        for slot in 0..plan.connections {
            let start = (round * 100 + slot) * NUMBERS;
            let request = Request::new(address, plan.ask, slot, start);
            opening.spawn(Client::open(address, request, slot, Arc::clone(slots)));
        }
        let mut clients = Vec::with_capacity(plan.connections);
        while let Some(client) = opening.join_next().await {
            clients.push(client??);
        }
        Ok(Self { plan, clients })
    }

    /// Sends requests for `round`; requests that are open at its end are awaited.
    pub(crate) async fn run(self, round: Duration) -> io::Result<Tally> {
        let start = Instant::now();
        let end = start + round;
        let every = self.plan.every;
        let count = u32::try_from(self.clients.len()).unwrap_or(u32::MAX);
        let mut tasks = JoinSet::new();
        for (index, client) in (0..).zip(self.clients) {
            // Paced connections take turns.
            let offset = every.map_or(Duration::ZERO, |every| every * index / count);
            tasks.spawn(client.run(every, start + offset, end));
        }
        let mut tally = Tally::default();
        let all = async {
            while let Some(part) = tasks.join_next().await {
                tally.latencies.append(&mut part??);
            }
            io::Result::Ok(())
        };
        timeout(round + PATIENCE, all).await??;
        tally.elapsed = start.elapsed();
        Ok(tally)
    }
}

impl Client {
    async fn open(
        address: SocketAddr,
        request: Request,
        slot: usize,
        slots: Arc<Slots>,
    ) -> io::Result<Self> {
        let mut client = Self {
            connection: Connection::open(address).await?,
            request,
            slot,
            slots,
        };
        for _ in 0..WARM_UP {
            client.ask().await?;
        }
        Ok(client)
    }

    async fn run(
        mut self,
        every: Option<Duration>,
        start: Instant,
        end: Instant,
    ) -> io::Result<Vec<Duration>> {
        let mut latencies = Vec::with_capacity(4096);
        let mut ticks = every.map(|every| {
            let mut ticks = interval_at(start.into(), every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        });
        loop {
            if let Some(ticks) = &mut ticks {
                ticks.tick().await;
            }
            if Instant::now() >= end {
                return Ok(latencies);
            }
            latencies.push(self.ask().await?);
        }
    }

    async fn ask(&mut self) -> io::Result<Duration> {
        let slot = u32::try_from(self.slot)
            .ok()
            .and_then(|slot| self.slots.get(slot));
        if let Some(slot) = &slot {
            slot.set(0);
        }
        let start = Instant::now();
        self.connection.send(self.request.next()).await?;
        let answer = self.connection.receive(|seen| {
            if let Some(slot) = &slot {
                slot.set(seen);
            }
        });
        let answer = answer.await?;
        Ok(answer.first_event.unwrap_or_else(Instant::now) - start)
    }
}
