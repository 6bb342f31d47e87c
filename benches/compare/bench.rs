//! The parts of a comparison, and a round of it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::Result;
use crate::cpu::CpuTimes;
use crate::load::{Load, Plan};
use crate::machine::{Cores, Place};
use crate::options::{Options, Subject};
use crate::pace::Slots;
use crate::{bare, gateway, upstream};

/// After this pause nothing of a round is still running.
const SETTLE: Duration = Duration::from_millis(10);

/// Prefix of the names of the store's threads.
const STORE: &str = "nexus-";

/// The upstream, the subjects and the load, each on a runtime of its own.
pub(crate) struct Bench {
    pub(crate) load: Runtime,
    pub(crate) slots: Arc<Slots>,
    pub(crate) upstream: SocketAddr,
    subjects: Vec<Running>,
    round: usize,
    _upstream: Runtime,
}

struct Running {
    subject: Subject,
    address: SocketAddr,
    _runtime: Option<Runtime>,
}

/// One subject's figures of one round.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Round {
    /// CPU time per request, in microseconds.
    pub(crate) cpu_us: f64,
    /// The part of it that was spent by the store's threads.
    pub(crate) store_us: f64,
    /// Requests per second.
    pub(crate) rate: f64,
    /// Median latency in microseconds.
    pub(crate) p50_us: f64,
    /// The 99th percentile of latency, in microseconds.
    pub(crate) p99_us: f64,
}

impl Bench {
    /// Starts all parts. The gateway's store is created in `dir`.
    pub(crate) fn start(options: &Options, cores: Cores, dir: &Path) -> Result<Self> {
        let slots = Arc::new(Slots::new(options.concurrency().max(options.streams())));
        let upstream_runtime = cores.runtime("upstream", Place::Rest)?;
        let upstream = upstream::serve(upstream_runtime.handle(), Arc::clone(&slots))?;
        let mut bench = Self {
            load: cores.runtime("load", Place::Rest)?,
            slots,
            upstream,
            subjects: vec![Running {
                subject: Subject::Direct,
                address: upstream,
                _runtime: None,
            }],
            round: 0,
            _upstream: upstream_runtime,
        };
        for subject in [Subject::Bare, Subject::Gateway, Subject::Unwritten] {
            match serve(subject, upstream, cores, dir) {
                Ok((runtime, address)) => bench.subjects.push(Running {
                    subject,
                    address,
                    _runtime: Some(runtime),
                }),
                Err(error) => eprintln!("{subject:?} is left out: {error}"),
            }
        }
        Ok(bench)
    }

    /// The subjects that run.
    pub(crate) fn subjects(&self) -> impl Iterator<Item = Subject> {
        self.subjects.iter().map(|running| running.subject)
    }

    /// Measures each of `subjects` that runs once, in order or in reverse.
    pub(crate) fn round(
        &mut self,
        subjects: &[Subject],
        plan: Plan,
        length: Duration,
        reverse: bool,
    ) -> Result<Vec<(Subject, Round)>> {
        let mut rounds = Vec::with_capacity(subjects.len());
        let mut running: Vec<&Running> = self.subjects.iter().collect();
        running.retain(|running| subjects.contains(&running.subject));
        if reverse {
            running.reverse();
        }
        for running in running {
            self.round += 1;
            let round =
                self.load
                    .block_on(measure(running, plan, length, &self.slots, self.round))?;
            rounds.push((running.subject, round));
        }
        Ok(rounds)
    }
}

/// Starts a subject on a runtime of its own.
pub(crate) fn serve(
    subject: Subject,
    upstream: SocketAddr,
    cores: Cores,
    dir: &Path,
) -> Result<(Runtime, SocketAddr)> {
    let runtime = cores.runtime(threads(subject)[0], Place::Subject)?;
    let dir = dir.to_owned();
    // On a thread of the runtime, so that threads started by the subject stay on its core.
    let started = runtime.spawn(async move {
        match subject {
            Subject::Direct => Ok(upstream),
            Subject::Bare => Ok(bare::serve(upstream).await?),
            Subject::Gateway => gateway::serve(upstream, &dir.join("nexus.db"), true).await,
            Subject::Unwritten => gateway::serve(upstream, &dir.join("other.db"), false).await,
        }
    });
    let address = runtime.block_on(started)??;
    Ok((runtime, address))
}

/// Prefixes of the names of a subject's threads, its runtime's first.
fn threads(subject: Subject) -> &'static [&'static str] {
    match subject {
        Subject::Direct => &["direct"],
        Subject::Bare => &["bare"],
        Subject::Gateway => &["gateway", STORE],
        // Its store has threads with the same names, which do nothing while it is measured.
        Subject::Unwritten => &["unwritten"],
    }
}

async fn measure(
    running: &Running,
    plan: Plan,
    length: Duration,
    slots: &Arc<Slots>,
    round: usize,
) -> Result<Round> {
    let load = Load::open(running.address, plan, slots, round).await?;
    tokio::time::sleep(SETTLE).await;
    let cpu = || CpuTimes::of_threads(threads(running.subject));
    let store = || CpuTimes::of_threads(&[STORE]);
    let before = (cpu()?, store()?);
    let mut tally = load.run(length).await?;
    tokio::time::sleep(SETTLE).await;
    let (cpu, store) = (cpu()?.since(&before.0), store()?.since(&before.1));

    tally.latencies.sort_unstable();
    let requests = f64::from(u32::try_from(tally.latencies.len())?);
    let at = |part: usize| {
        let index =
            (tally.latencies.len() * part / 100).min(tally.latencies.len().saturating_sub(1));
        let latency = tally.latencies.get(index);
        latency.map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e6)
    };
    let each_us = |ns| Duration::from_nanos(ns).as_secs_f64() * 1e6 / requests;
    Ok(Round {
        cpu_us: each_us(cpu),
        store_us: each_us(store),
        rate: requests / tally.elapsed.as_secs_f64(),
        p50_us: at(50),
        p99_us: at(99),
    })
}
