//! What is measured, group by group, and the resulting tables.

use std::time::Duration;

use crate::Result;
use crate::bench::{Bench, Round};
use crate::load::Plan;
use crate::options::{Options, Subject};
use crate::request::Ask;
use crate::series::{Series, Spread};
use crate::table::Table;

const SMALL_BODY: usize = 1 << 10;
const LARGE_BODY: usize = 1 << 20;
/// Content events of a short stream and of a long one: their difference is the cost of events.
const EVENTS: [u32; 2] = [32, 100];

/// The subjects of most tables, in the order of their columns.
const ALL: [Subject; 3] = [Subject::Direct, Subject::Bare, Subject::Gateway];

/// One plan's figures, by round and subject.
struct Outcome(Vec<Vec<(Subject, Round)>>);

impl Outcome {
    fn series(&self, subject: Subject, figure: impl Fn(&Round) -> f64) -> Series {
        let rounds = self.0.iter().flatten();
        Series(
            rounds
                .filter(|(of, _)| *of == subject)
                .map(|(_, round)| figure(round))
                .collect(),
        )
    }

    /// One series for each subject: direct, bare, gateway.
    fn all(&self, figure: impl Fn(&Round) -> f64) -> [Series; 3] {
        ALL.map(|subject| self.series(subject, &figure))
    }
}

/// CPU and throughput of completions at once.
pub(crate) fn unary(bench: &mut Bench, options: &Options) -> Result<Table> {
    let plan = busy(
        Ask::Unary {
            body_bytes: SMALL_BODY,
        },
        options.concurrency(),
    );
    let [outcome] = run(bench, options, &ALL, [plan])?;
    let mut table = ratios();
    let [_, bare, gateway] = outcome.all(|round| round.cpu_us);
    ratio_row(
        &mut table,
        "CPU µs a completion",
        [Series::default(), bare, gateway],
        2,
        "≤ 1.3, then 1.0",
    );
    let store = outcome.series(Subject::Gateway, |round| round.store_us);
    let none = Series::default;
    ratio_row(
        &mut table,
        "of it the store's threads",
        [none(), none(), store],
        2,
        "",
    );
    ratio_row(
        &mut table,
        "completions a second",
        outcome.all(|round| round.rate),
        0,
        "",
    );
    Ok(table)
}

/// CPU of a request by the length of its body.
pub(crate) fn body(bench: &mut Bench, options: &Options) -> Result<Table> {
    let plans = [SMALL_BODY, LARGE_BODY].map(|body_bytes| busy(Ask::Unary { body_bytes }, 4));
    let [small, large] = run(bench, options, &ALL, plans)?;
    let mut table = ratios();
    let [small, large] = [small, large].map(|outcome| {
        let [_, bare, gateway] = outcome.all(|round| round.cpu_us);
        [Series::default(), bare, gateway]
    });
    ratio_row(&mut table, "CPU µs, 1 KiB body", small.clone(), 2, "");
    ratio_row(&mut table, "CPU µs, 1 MiB body", large.clone(), 0, "");
    let by_kib = pairs(&large, &small, |large, small| (large - small) / 1023.0);
    ratio_row(
        &mut table,
        "CPU µs for each KiB more",
        by_kib,
        3,
        "grows with length",
    );
    Ok(table)
}

/// CPU and throughput of streams.
pub(crate) fn stream(bench: &mut Bench, options: &Options) -> Result<Table> {
    let plans = EVENTS.map(|events| busy(Ask::Stream { events }, options.concurrency()));
    let [short, long] = run(bench, options, &ALL, plans)?;
    let mut table = ratios();
    let [short_cpu, long_cpu] = [&short, &long].map(|outcome| {
        let [_, bare, gateway] = outcome.all(|round| round.cpu_us);
        [Series::default(), bare, gateway]
    });
    ratio_row(
        &mut table,
        "CPU µs a stream of 32",
        short_cpu.clone(),
        1,
        "≤ 1.3, then 1.0",
    );
    ratio_row(
        &mut table,
        "CPU µs a stream of 100",
        long_cpu.clone(),
        1,
        "≤ 1.3, then 1.0",
    );
    let more = f64::from(EVENTS[1] - EVENTS[0]);
    let by_event = pairs(&long_cpu, &short_cpu, |long, short| (long - short) / more);
    ratio_row(
        &mut table,
        "CPU µs an event",
        by_event,
        2,
        "≤ 1.3, then 1.0",
    );
    let events = long.all(|round| round.rate * f64::from(EVENTS[1]));
    ratio_row(&mut table, "events a second", events, 0, "");
    Ok(table)
}

/// Latency under light load.
pub(crate) fn latency(bench: &mut Bench, options: &Options) -> Result<Table> {
    let completion = Ask::Unary {
        body_bytes: SMALL_BODY,
    };
    let paced = Plan {
        every: Some(Duration::from_millis(4)),
        ..busy(completion, 8)
    };
    let stream = Ask::Stream { events: 4 };
    let outcomes = run(
        bench,
        options,
        &ALL,
        [busy(completion, 1), paced, busy(stream, 1)],
    )?;
    let mut table = Table::new(&[
        "latency, µs",
        "direct",
        "bare",
        "gateway",
        "bare − direct",
        "gateway − direct",
        "gateway − bare",
        "budget for the last",
    ]);
    let names = [
        "1 connection",
        "8 connections, 2,000/s",
        "1 connection, first event",
    ];
    for (name, outcome) in names.iter().zip(&outcomes) {
        latency_row(
            &mut table,
            &format!("{name}, p50"),
            outcome.all(|round| round.p50_us),
            "< 60",
        );
        latency_row(
            &mut table,
            &format!("{name}, p99"),
            outcome.all(|round| round.p99_us),
            "< 500",
        );
    }
    Ok(table)
}

/// The cost of the ledger: rows that are written and awaited, compared with discarded rows.
pub(crate) fn ledger(bench: &mut Bench, options: &Options) -> Result<Table> {
    let completion = Ask::Unary {
        body_bytes: SMALL_BODY,
    };
    let stream = Ask::Stream { events: 32 };
    let paced = Plan {
        every: Some(Duration::from_millis(4)),
        ..busy(completion, 8)
    };
    let plans = [
        busy(completion, options.concurrency()),
        busy(stream, options.concurrency()),
        busy(completion, 1),
        paced,
    ];
    let subjects = [Subject::Gateway, Subject::Unwritten];
    let [many, streams, one, few] = run(bench, options, &subjects, plans)?;
    let mut table = Table::new(&["the ledger", "with", "without", "with − without (min–max)"]);
    type Figure = fn(&Round) -> f64;
    let rows: [(&str, &Outcome, Figure, usize); 6] = [
        ("CPU µs a completion", &many, |round| round.cpu_us, 2),
        ("CPU µs a stream of 32", &streams, |round| round.cpu_us, 1),
        ("1 connection, p50 µs", &one, |round| round.p50_us, 0),
        ("1 connection, p99 µs", &one, |round| round.p99_us, 0),
        (
            "8 connections, 2,000/s, p50 µs",
            &few,
            |round| round.p50_us,
            0,
        ),
        (
            "8 connections, 2,000/s, p99 µs",
            &few,
            |round| round.p99_us,
            0,
        ),
    ];
    for (name, outcome, figure, decimals) in rows {
        let [with, without] = subjects.map(|subject| outcome.series(subject, figure));
        let more = with.pair(&without, |with, without| with - without);
        let median = |spread: Spread| format!("{:.decimals$}", spread.median);
        table.row([
            name.to_owned(),
            cell(with.spread(), median),
            cell(without.spread(), median),
            cell(more.spread(), |spread| format!("{spread:.decimals$}")),
        ]);
    }
    Ok(table)
}

/// A plan that keeps this many connections busy.
fn busy(ask: Ask, connections: usize) -> Plan {
    Plan {
        ask,
        connections,
        every: None,
    }
}

/// Runs plans and subjects in turns, every second round in reverse, so that drift affects all
/// alike.
fn run<const N: usize>(
    bench: &mut Bench,
    options: &Options,
    subjects: &[Subject],
    plans: [Plan; N],
) -> Result<[Outcome; N]> {
    let mut outcomes = plans.map(|_| Outcome(Vec::new()));
    for round in 0..options.rounds() {
        for (plan, outcome) in plans.iter().zip(&mut outcomes) {
            outcome
                .0
                .push(bench.round(subjects, *plan, options.round(), round % 2 == 1)?);
        }
    }
    Ok(outcomes)
}

fn pairs(a: &[Series; 3], b: &[Series; 3], combine: impl Fn(f64, f64) -> f64) -> [Series; 3] {
    [0, 1, 2].map(|subject| a[subject].pair(&b[subject], &combine))
}

fn ratios() -> Table {
    Table::new(&[
        "",
        "direct",
        "bare",
        "gateway",
        "gateway / bare (min–max)",
        "budget",
    ])
}

fn ratio_row(
    table: &mut Table,
    name: &str,
    [direct, bare, gateway]: [Series; 3],
    decimals: usize,
    budget: &str,
) {
    let ratio = gateway.pair(&bare, |gateway, bare| gateway / bare);
    let median = |series: Series| {
        cell(series.spread(), |spread| {
            format!("{:.decimals$}", spread.median)
        })
    };
    table.row([
        name.to_owned(),
        median(direct),
        median(bare),
        median(gateway),
        cell(ratio.spread(), |spread| format!("{spread:.2}")),
        budget.to_owned(),
    ]);
}

fn latency_row(table: &mut Table, name: &str, [direct, bare, gateway]: [Series; 3], budget: &str) {
    let less = |a: &Series, b: &Series| {
        let difference = a.pair(b, |a, b| a - b);
        cell(difference.spread(), |spread| format!("{spread:.0}"))
    };
    let median = |series: &Series| cell(series.spread(), |spread| format!("{:.0}", spread.median));
    table.row([
        name.to_owned(),
        median(&direct),
        median(&bare),
        median(&gateway),
        less(&bare, &direct),
        less(&gateway, &direct),
        less(&gateway, &bare),
        budget.to_owned(),
    ]);
}

fn cell(spread: Option<Spread>, text: impl Fn(Spread) -> String) -> String {
    spread.map_or_else(|| "–".to_owned(), text)
}
