//! The time of queries on a large ledger; see `README.md` beside this file.
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot be set up should stop"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use nexus_lib::store::{
    Bucket, LedgerQueries, LedgerStore, LedgerWrite, OpenRow, RequestFilter, RequestState, RowPage,
    Settlement, SqliteStore,
};
use nexus_lib::wire::{
    ConversationId, GatewayId, ProviderId, RequestId, TimeRange, TimeZone, Timestamp, Usage,
    UsageSource,
};

const YEAR_MICROS: u64 = 365 * 86_400_000_000;
const BATCH: u64 = 512;
const CALLS: usize = 20;
/// Conversations come eight at a time, four rounds each.
const GROUP: u64 = 32;
const AT_ONCE: u64 = 8;

#[derive(Parser)]
#[command(about = "Times questions to a ledger of many rows", version)]
struct Options {
    /// Number of rows in the ledger, spread over a year
    #[arg(long, default_value_t = 10_000_000)]
    rows: u64,
    /// Folder of the database [default: a temporary folder]
    #[arg(long)]
    folder: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> nexus_lib::Result<()> {
    let options = Options::parse();
    let folder = match &options.folder {
        Some(folder) => tempfile::tempdir_in(folder),
        None => tempfile::tempdir(),
    };
    let folder = folder.unwrap();
    let path = folder.path().join("nexus.db");
    let ledger = Ledger::new(options.rows);

    let store = SqliteStore::open(&path).await?;
    let appending = ledger.fill(&store).await?;
    // Checkpoints the log.
    store.close().await?;
    let bytes = std::fs::metadata(&path).unwrap().len();
    let micros = appending.as_secs_f64() * 1e6 / options.rows as f64;
    println!(
        "{} rows, {} MiB, {micros:.1} µs a row to append\n",
        options.rows,
        bytes >> 20
    );

    let store = SqliteStore::open(&path).await?;
    ledger.ask(&store).await?;
    store.close().await
}

/// The content of the ledger: one year up to now.
struct Ledger {
    rows: u64,
    first: i64,
    step: u64,
}

impl Ledger {
    fn new(rows: u64) -> Self {
        Self {
            rows,
            first: Timestamp::now().as_micros() - YEAR_MICROS.cast_signed(),
            step: YEAR_MICROS / rows,
        }
    }

    async fn fill(&self, store: &SqliteStore) -> nexus_lib::Result<Duration> {
        let mut appending = Duration::ZERO;
        let mut next = 0;
        while next < self.rows {
            let end = self.rows.min(next + BATCH);
            let batch = Arc::new((next..end).map(|row| self.row(row)).collect());
            let begun = Instant::now();
            store.append(batch).await?;
            appending += begun.elapsed();
            next = end;
        }
        Ok(appending)
    }

    fn at(&self, row: u64) -> Timestamp {
        Timestamp::from_micros(self.first + (row * self.step).cast_signed())
    }

    fn id(&self, row: u64) -> RequestId {
        let mut bytes = *RequestId::floor(self.at(row)).as_bytes();
        bytes[8..].copy_from_slice(&scattered(row).to_be_bytes());
        bytes[6] = 0x70;
        bytes[8] = bytes[8] & 0x3F | 0x80;
        RequestId::from_bytes(bytes)
    }

    fn conversation(&self, row: u64) -> ConversationId {
        ConversationId::begun_by(self.id(row / GROUP * GROUP + row % AT_ONCE))
    }

    fn row(&self, row: u64) -> LedgerWrite {
        let chance = scattered(row);
        let provider = (chance % 5).cast_signed();
        let (model, state) = match row {
            _ if row == self.rows / 10 => ("rare".to_owned(), RequestState::Completed),
            _ if row == self.rows / 20 => ("model-0".to_owned(), RequestState::Cancelled),
            _ => {
                let failed = chance >> 32 & 0xFFFF < 0xFFFF / 50;
                let state = match failed {
                    true => RequestState::Failed,
                    false => RequestState::Completed,
                };
                (format!("model-{}", (chance >> 8 & 0xFF_FFFF) % 20), state)
            }
        };
        let name = format!("provider-{provider}");
        let mut open = OpenRow::new(GatewayId::new(), (ProviderId(provider), name), model);
        open.request_id = self.id(row);
        open.conversation_id = self.conversation(row);
        open.stream = chance >> 16 & 1 == 0;
        open.started_at = self.at(row);
        let mut settlement = Settlement::of(&open, state);
        settlement.usage_source = UsageSource::Reported;
        settlement.usage = Usage::of(319, 110);
        settlement.status = Some(200);
        settlement.attempts = 1;
        settlement.first_token_ms = Some(300);
        settlement.duration_ms = 4000;
        LedgerWrite::Whole(open, settlement)
    }

    async fn ask(&self, store: &SqliteStore) -> nexus_lib::Result<()> {
        let range = |from: u64, to: u64| TimeRange {
            from: Some(self.at(from)),
            to: Some(self.at(to)),
        };
        let rows = self.rows;
        println!("| question | answer | p50 ms | max ms |\n|---|---|---|---|");
        let requests = |totals: nexus_lib::store::Totals| format!("{} requests", totals.requests);
        time("total", async || {
            Ok(requests(store.totals(TimeRange::ALL).await?))
        })
        .await?;
        let ragged = range(rows / 7, rows - rows / 9);
        time("total, ragged range", async || {
            Ok(requests(store.totals(ragged).await?))
        })
        .await?;

        let all = RequestFilter::default;
        let model = |model: &str| all().model(model);
        let state = |state| all().state(state);
        let pages = [
            ("first page", all(), None),
            ("deep page", all(), Some(rows / 3)),
            ("page in a range", all().range(ragged), None),
            ("one model", model("model-7"), None),
            ("one model, deep", model("model-7"), Some(rows / 3)),
            (
                "one model, one provider, failed",
                model("model-7")
                    .provider_id(ProviderId(3))
                    .state(RequestState::Failed),
                None,
            ),
            ("failed", state(RequestState::Failed), None),
            (
                "the one cancelled row",
                state(RequestState::Cancelled),
                None,
            ),
            ("a model with one row", model("rare"), None),
            ("a model without rows", model("none"), None),
            (
                "a provider without rows",
                all().provider_id(ProviderId(99)),
                None,
            ),
            ("open", state(RequestState::Open), None),
        ];
        for (name, filter, before) in pages {
            let before = before.map(|row| self.id(row));
            time(name, async || {
                let page = store.requests(filter.clone(), before, 50).await?;
                Ok(format!("{} rows", page.len()))
            })
            .await?;
        }
        let first = rows / 2;
        let per_day = rows / 365;
        for (name, bucket, range) in [
            (
                "series of a day by minute",
                Bucket::Minute,
                range(first, first + per_day),
            ),
            (
                "series of a week by minute",
                Bucket::Minute,
                range(first, first + per_day * 69 / 10),
            ),
            ("series of a year by hour", Bucket::Hour, range(0, rows)),
            ("series of a year by day", Bucket::Day, range(0, rows)),
        ] {
            time(name, async || {
                Ok(format!(
                    "{} buckets",
                    store.series(bucket, range, &TimeZone::UTC).await?.len()
                ))
            })
            .await?;
        }
        let conversation = self.conversation(first);
        time("one conversation", async || {
            let found = store
                .conversation(&conversation, RowPage::default())
                .await?;
            let rows = found.map_or(0, |found| found.requests.len());
            Ok(format!("{rows} rows"))
        })
        .await
    }
}

async fn time(
    name: &str,
    call: impl AsyncFn() -> nexus_lib::Result<String>,
) -> nexus_lib::Result<()> {
    let mut times = Vec::new();
    let mut answer = String::new();
    for _ in 0..CALLS {
        let begun = Instant::now();
        answer = call().await?;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_unstable_by(f64::total_cmp);
    let (median, longest) = (times[CALLS / 2], times[CALLS - 1]);
    println!("| {name} | {answer} | {median:.2} | {longest:.2} |");
    Ok(())
}

/// A pseudo-random number that is constant for each row (SplitMix64).
fn scattered(row: u64) -> u64 {
    let mut bits = row.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ bits >> 31
}
