//! The gateway compared with a proxy that does nothing and with no proxy at all, in one run.
//!
//! # Layout
//! - `options`: the command line; `measures`, `memory`: what is measured
//! - `bench`: a round: load → subject → upstream, each on its own runtime; `machine` pins them
//! - `bare`, `gateway`, `unwritten`: the subjects; `upstream`: the server behind them; `pace`: when
//!   it sends
//! - `load`, `connection`, `request`: the client's side
//! - `cpu`, `series`, `table`: figures and their output

mod bare;
mod bench;
mod connection;
mod cpu;
mod gateway;
mod load;
mod machine;
mod measures;
mod memory;
mod options;
mod pace;
mod request;
mod series;
mod table;
mod unwritten;
mod upstream;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

use crate::bench::Bench;
use crate::machine::{Cores, Place};
use crate::options::{Group, Options};

/// The server's allocator, and so the same for all subjects.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

type Measure = fn(&mut Bench, &Options) -> Result<table::Table>;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    if let (Some(subject), Some(upstream)) = (options.subject, options.upstream) {
        return memory::stand_alone(subject, upstream, &options.dir);
    }
    let cores = if options.unpinned {
        Cores::available().unpinned()
    } else {
        Cores::available()
    };
    let pinned = cores.pin(Place::Rest);
    let dir = tempfile::tempdir_in(&options.dir)?;
    println!("{}", cores.describe(dir.path()));
    println!(
        "{} rounds of {} ms, {} connections where busy; {}\n",
        options.rounds(),
        options.round().as_millis(),
        options.concurrency(),
        if pinned {
            "the subject on one core, load and upstream on another"
        } else {
            "threads not pinned"
        }
    );
    let mut bench = Bench::start(options, cores, dir.path())?;
    let measures: [(Group, Measure); 6] = [
        (Group::Unary, measures::unary),
        (Group::Body, measures::body),
        (Group::Stream, measures::stream),
        (Group::Latency, measures::latency),
        (Group::Ledger, measures::ledger),
        (Group::Memory, |bench, options| {
            memory::weigh(bench, options)
        }),
    ];
    for (group, measure) in measures {
        if options.wants(group) {
            println!("{}", measure(&mut bench, options)?);
        }
    }
    Ok(())
}
