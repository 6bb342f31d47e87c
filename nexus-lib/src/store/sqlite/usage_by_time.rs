//! Sums over settled rows by minute, hour and day, kept in the transaction that settles the rows.
//!
//! A batch is added up here first, so that it makes a few statements however many rows it has. Open
//! rows are in no sum: a settlement happens once, so that each row is added once.
//!
//! A row is added to its minute alone as long as that minute is the newest; when the next one
//! begins, the minutes before are folded into their hours and days. So most batches change one row
//! here, and who reads longer spans adds the minutes that are [not folded yet](folded_until).
//!
//! Minutes tell keys and projects apart. Hours and days do not, since many of them are read at
//! once: their sums by key are in a [table of their own](super::usage_by_key), written when minutes
//! are folded.

use rusqlite::{Connection, Row, params};

use super::error::Failure;
use super::usage_by_key;
use crate::store::{Bucket, Histogram, OpenRow, RequestState};
use crate::wire::{ProviderId, Timestamp, Usage};

/// Adds to a sum that is there already.
macro_rules! adding_up {
    ($insert:literal) => {
        concat!(
            $insert,
            " ON CONFLICT (span, start, provider_id, model, key_id, project_id) DO UPDATE SET
                provider = iif(excluded.newest > newest, excluded.provider, provider),
                newest = max(newest, excluded.newest),
                completed = completed + excluded.completed,
                failed = failed + excluded.failed,
                cancelled = cancelled + excluded.cancelled,
                interrupted = interrupted + excluded.interrupted,
                conversations = conversations + excluded.conversations,
                prompt_tokens = prompt_tokens + excluded.prompt_tokens,
                completion_tokens = completion_tokens + excluded.completion_tokens,
                total_tokens = total_tokens + excluded.total_tokens,
                cached_tokens = cached_tokens + excluded.cached_tokens,
                reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens,
                latency = latency_add(latency, excluded.latency),
                first_token = latency_add(first_token, excluded.first_token)"
        )
    };
}

const ADD: &str = adding_up!(
    "INSERT INTO usage_by_time (span, start, provider_id, model, provider, newest, completed, failed,
        cancelled, interrupted, conversations, prompt_tokens, completion_tokens, total_tokens,
        cached_tokens, reasoning_tokens, latency, first_token, key_id, project_id)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)"
);

/// Adds the minutes from `?2` to before `?3` to the spans of `?1` seconds that they lie in.
/// `provider` is that of the newest row: SQLite defines bare columns beside `MAX` so.
const FOLD: &str = adding_up!(
    "INSERT INTO usage_by_time (span, start, provider_id, model, provider, newest, completed, failed,
        cancelled, interrupted, conversations, prompt_tokens, completion_tokens, total_tokens,
        cached_tokens, reasoning_tokens, latency, first_token, key_id, project_id)
    SELECT ?1, start - start % ?1, provider_id, model, provider, MAX(newest), SUM(completed),
        SUM(failed), SUM(cancelled), SUM(interrupted), SUM(conversations), SUM(prompt_tokens),
        SUM(completion_tokens), SUM(total_tokens), SUM(cached_tokens), SUM(reasoning_tokens),
        latency_sum(latency), latency_sum(first_token), 0, 0
    FROM usage_by_time WHERE span = 60 AND start >= ?2 AND start < ?3
    GROUP BY start - start % ?1, provider_id, model"
);

/// The client whose sums a row belongs to: its key and project, 0 for none.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ByClient {
    pub(super) key_id: i64,
    pub(super) project_id: i64,
}

impl ByClient {
    pub(super) fn of(row: &OpenRow) -> Self {
        Self {
            key_id: row.key_id.map_or(0, |id| id.0),
            project_id: row.project_id.map_or(0, |id| id.0),
        }
    }

    /// Reads the columns of key and project, the first of them at `column`.
    pub(super) fn read(row: &Row<'_>, column: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            key_id: row.get::<_, Option<i64>>(column)?.unwrap_or(0),
            project_id: row.get::<_, Option<i64>>(column + 1)?.unwrap_or(0),
        })
    }
}

/// What of a settled row is added up.
pub(super) struct Settled<'a> {
    pub(super) seq: i64,
    pub(super) started_at: Timestamp,
    pub(super) provider_id: ProviderId,
    pub(super) provider: &'a str,
    pub(super) model: &'a str,
    pub(super) begins: bool,
    pub(super) client: ByClient,
    pub(super) state: RequestState,
    pub(super) usage: Usage,
    pub(super) duration_ms: Option<u64>,
    pub(super) first_token_ms: Option<u64>,
}

/// The sums of one batch, by minute.
#[derive(Default)]
pub(super) struct UsageByTime(Vec<Sum>);

#[derive(Clone)]
pub(super) struct Sum {
    pub(super) start: i64,
    provider_id: ProviderId,
    model: Box<str>,
    pub(super) client: ByClient,
    provider: Box<str>,
    pub(super) newest: i64,
    pub(super) figures: [i64; 10],
    /// Of the completed ones.
    latency: Histogram,
    first_token: Histogram,
}

impl UsageByTime {
    pub(super) fn add(&mut self, row: &Settled<'_>) {
        let mut states = [0; 4];
        match row.state {
            RequestState::Open => return,
            RequestState::Completed => states[0] = 1,
            RequestState::Failed => states[1] = 1,
            RequestState::Cancelled => states[2] = 1,
            RequestState::Interrupted => states[3] = 1,
        }
        let [completed, failed, cancelled, interrupted] = states;
        let tokens = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let figures = [
            completed,
            failed,
            cancelled,
            interrupted,
            row.begins.into(),
            tokens(row.usage.prompt_tokens),
            tokens(row.usage.completion_tokens),
            tokens(row.usage.total_tokens),
            tokens(row.usage.cached_tokens),
            tokens(row.usage.reasoning_tokens),
        ];
        let start = Bucket::Minute.start_of(row.started_at.as_seconds());
        let at = match find(&self.0, (start, row.provider_id, row.model, row.client)) {
            Some(at) => {
                self.0[at].add(row.seq, row.provider, &figures);
                at
            }
            None => {
                self.0.push(Sum {
                    start,
                    provider_id: row.provider_id,
                    model: row.model.into(),
                    client: row.client,
                    provider: row.provider.into(),
                    newest: row.seq,
                    figures,
                    latency: Histogram::default(),
                    first_token: Histogram::default(),
                });
                self.0.len() - 1
            }
        };
        if row.state == RequestState::Completed {
            let sum = &mut self.0[at];
            if let Some(ms) = row.duration_ms {
                sum.latency.add(ms);
            }
            if let Some(ms) = row.first_token_ms {
                sum.first_token.add(ms);
            }
        }
    }

    /// Adds the sums to those that are stored.
    pub(super) fn write(self, connection: &Connection) -> Result<(), Failure> {
        let Some(newest) = self.0.iter().map(|sum| sum.start).max() else {
            return Ok(());
        };
        let folded = fold(connection, newest)?;
        let (late, new): (Vec<_>, Vec<_>) = self.0.into_iter().partition(|sum| sum.start < folded);
        add(connection, Bucket::Minute, &new)?;
        if late.is_empty() {
            return Ok(());
        }
        add(connection, Bucket::Minute, &late)?;
        usage_by_key::add(connection, &late)?;
        let mut sums = late;
        for span in [Bucket::Hour, Bucket::Day] {
            sums = gathered(sums, span);
            add(connection, span, &sums)?;
        }
        Ok(())
    }
}

/// Up to where the minutes are in the sums of hours and days too, in seconds since 1970. Those from
/// there on are in none.
pub(super) fn folded_until(connection: &Connection) -> Result<i64, Failure> {
    let mut statement = connection.prepare_cached("SELECT folded_until FROM meta")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// Folds the minutes before `newest`, and returns up to where they are folded.
fn fold(connection: &Connection, newest: i64) -> Result<i64, Failure> {
    let folded = folded_until(connection)?;
    if newest <= folded {
        return Ok(folded);
    }
    let mut fold = connection.prepare_cached(FOLD)?;
    for span in [Bucket::Hour, Bucket::Day] {
        fold.execute(params![span.seconds(), folded, newest])?;
    }
    usage_by_key::fold(connection, folded, newest)?;
    connection.execute("UPDATE meta SET folded_until = ?1", [newest])?;
    Ok(newest)
}

fn add(connection: &Connection, span: Bucket, sums: &[Sum]) -> Result<(), Failure> {
    if sums.is_empty() {
        return Ok(());
    }
    let mut add = connection.prepare_cached(ADD)?;
    for sum in sums {
        let f = &sum.figures;
        add.execute(params![
            span.seconds(),
            sum.start,
            sum.provider_id.0,
            sum.model,
            sum.provider,
            sum.newest,
            f[0],
            f[1],
            f[2],
            f[3],
            f[4],
            f[5],
            f[6],
            f[7],
            f[8],
            f[9],
            blob(&sum.latency),
            blob(&sum.first_token),
            sum.client.key_id,
            sum.client.project_id,
        ])?;
    }
    Ok(())
}

impl Sum {
    fn add(&mut self, newest: i64, provider: &str, figures: &[i64; 10]) {
        if newest > self.newest {
            self.newest = newest;
            if *self.provider != *provider {
                self.provider = provider.into();
            }
        }
        for (sum, figure) in self.figures.iter_mut().zip(figures) {
            *sum = sum.saturating_add(*figure);
        }
    }
}

/// Null where nothing was counted.
fn blob(histogram: &Histogram) -> Option<Vec<u8>> {
    (!histogram.is_empty()).then(|| histogram.to_bytes())
}

/// Backwards, since rows come in the order of time.
fn find(
    sums: &[Sum],
    (start, provider, model, client): (i64, ProviderId, &str, ByClient),
) -> Option<usize> {
    sums.iter().rposition(|sum| {
        sum.start == start
            && sum.client == client
            && sum.provider_id == provider
            && *sum.model == *model
    })
}

/// The same sums by longer spans, of all clients.
fn gathered(sums: Vec<Sum>, span: Bucket) -> Vec<Sum> {
    let mut gathered: Vec<Sum> = Vec::with_capacity(sums.len());
    for mut sum in sums {
        sum.start = span.start_of(sum.start);
        sum.client = ByClient::default();
        match find(
            &gathered,
            (sum.start, sum.provider_id, &sum.model, sum.client),
        ) {
            Some(at) => {
                let longer = &mut gathered[at];
                longer.add(sum.newest, &sum.provider, &sum.figures);
                longer.latency.merge(&sum.latency);
                longer.first_token.merge(&sum.first_token);
            }
            None => gathered.push(sum),
        }
    }
    gathered
}
