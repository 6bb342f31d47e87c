//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// Compares the gateway with a proxy that does nothing, and with no proxy at all.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Short rounds: all within 20 seconds, for a first look.
    #[arg(long)]
    quick: bool,
    /// Rounds of each measure; each includes every subject.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// How long a subject is under load in a round.
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(20..=20_000))]
    round_ms: u64,
    /// Connections that keep the subject busy.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=90))]
    concurrency: u16,
    /// Open streams while memory is measured.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=2_000))]
    streams: u16,
    /// Measure only this; may be given more than once.
    #[arg(long, value_enum)]
    only: Vec<Group>,
    /// Let the kernel place threads, instead of pinning the subject to its own core.
    #[arg(long)]
    pub(crate) unpinned: bool,
    /// Folder for the gateway's store; a temporary folder inside is removed at the end.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    pub(crate) dir: PathBuf,
    /// Serve only as this subject; used to measure its memory in a process of its own.
    #[arg(long, value_enum, requires = "upstream", hide = true)]
    pub(crate) subject: Option<Subject>,
    #[arg(long, hide = true)]
    pub(crate) upstream: Option<SocketAddr>,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// CPU and throughput of completions at once.
    Unary,
    /// CPU of a request by the length of its body.
    Body,
    /// CPU and throughput of streams.
    Stream,
    /// Latency under light load.
    Latency,
    /// Memory, idle and per open stream.
    Memory,
    /// The cost of the ledger: the gateway with its rows on a disk, and with discarded rows.
    Ledger,
}

/// The target of the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Subject {
    /// The upstream itself.
    Direct,
    /// The proxy that does nothing.
    Bare,
    /// The gateway.
    Gateway,
    /// The gateway with discarded rows.
    Unwritten,
}

impl Options {
    pub(crate) fn rounds(&self) -> usize {
        usize::from(if self.quick {
            self.rounds.min(5)
        } else {
            self.rounds
        })
    }

    pub(crate) fn round(&self) -> Duration {
        let limit = if self.quick { 60 } else { u64::MAX };
        Duration::from_millis(self.round_ms.min(limit))
    }

    pub(crate) fn concurrency(&self) -> usize {
        usize::from(self.concurrency)
    }

    pub(crate) fn streams(&self) -> usize {
        usize::from(self.streams)
    }

    pub(crate) fn wants(&self, group: Group) -> bool {
        self.only.is_empty() || self.only.contains(&group)
    }
}
