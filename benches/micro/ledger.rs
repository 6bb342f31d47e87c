//! Grouped commits: rows per second by batch size, in a file on a real disk.
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot be set up should stop"
)]

use std::sync::Arc;

use divan::Bencher;
use divan::counter::ItemsCount;
use nexus_benches::MODEL;
use nexus_lib::store::{
    Durability, LedgerStore, LedgerWrite, OpenRow, RequestState, Settlement, SqliteStore,
};
use nexus_lib::wire::{GatewayId, ProviderId, Usage, UsageSource};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

const ROWS: [usize; 3] = [1, 16, 256];

fn main() {
    divan::main();
}

/// Rows that are opened and settled in one batch.
#[divan::bench(args = ROWS)]
fn whole(bencher: Bencher<'_, '_>, rows: usize) {
    append(bencher, rows, Durability::Process, |open| {
        vec![LedgerWrite::Whole(open, settlement())]
    });
}

/// Rows that are opened and then settled: two writes each.
#[divan::bench(args = ROWS)]
fn opened_and_settled(bencher: Bencher<'_, '_>, rows: usize) {
    append(bencher, rows, Durability::Process, |open| {
        let id = open.request_id;
        vec![
            LedgerWrite::Open(open),
            LedgerWrite::Settle(id, settlement()),
        ]
    });
}

/// Like [`whole`], and each commit waits for the disk.
#[divan::bench(args = ROWS)]
fn whole_through_a_loss_of_power(bencher: Bencher<'_, '_>, rows: usize) {
    append(bencher, rows, Durability::Power, |open| {
        vec![LedgerWrite::Whole(open, settlement())]
    });
}

fn append(
    bencher: Bencher<'_, '_>,
    rows: usize,
    durability: Durability,
    writes: impl Fn(OpenRow) -> Vec<LedgerWrite>,
) {
    let (runtime, store, _dir) = store(durability);
    bencher
        .counter(ItemsCount::new(rows))
        .with_inputs(|| Arc::new((0..rows).flat_map(|_| writes(open())).collect::<Vec<_>>()))
        .bench_local_values(|batch| runtime.block_on(store.append(batch)).unwrap());
}

fn store(durability: Durability) -> (Runtime, SqliteStore, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let runtime = Builder::new_current_thread().build().unwrap();
    let options = SqliteStore::options(dir.path().join("nexus.db")).durability(durability);
    let store = runtime.block_on(options.open()).unwrap();
    (runtime, store, dir)
}

fn open() -> OpenRow {
    OpenRow::new(GatewayId::new(), (ProviderId(1), "bench"), MODEL)
}

fn settlement() -> Settlement {
    let mut settlement = Settlement::of(&open(), RequestState::Completed);
    settlement.usage_source = UsageSource::Reported;
    settlement.usage = Usage::of(319, 10);
    settlement.status = Some(200);
    settlement.attempts = 1;
    settlement.first_token_ms = Some(3);
    settlement.duration_ms = 4;
    settlement
}
