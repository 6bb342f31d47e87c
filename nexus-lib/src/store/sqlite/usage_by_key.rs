//! Sums over settled rows by key and project, for hours and days. Minutes have theirs in
//! [`usage_by_time`](super::usage_by_time); rows without a key are in none.

use rusqlite::{Connection, params};

use super::error::Failure;
use super::usage_by_time::Sum;
use crate::store::Bucket;

/// Adds to a sum that is there already.
macro_rules! adding_up {
    ($insert:literal) => {
        concat!(
            $insert,
            " ON CONFLICT (span, start, key_id, project_id) DO UPDATE SET
                newest = max(newest, excluded.newest),
                completed = completed + excluded.completed,
                failed = failed + excluded.failed,
                cancelled = cancelled + excluded.cancelled,
                interrupted = interrupted + excluded.interrupted,
                prompt_tokens = prompt_tokens + excluded.prompt_tokens,
                completion_tokens = completion_tokens + excluded.completion_tokens,
                total_tokens = total_tokens + excluded.total_tokens,
                cached_tokens = cached_tokens + excluded.cached_tokens,
                reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens"
        )
    };
}

const ADD: &str = adding_up!(
    "INSERT INTO usage_by_key (span, start, key_id, project_id, newest, completed, failed, cancelled,
        interrupted, prompt_tokens, completion_tokens, total_tokens, cached_tokens, reasoning_tokens)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
);

/// Adds the minutes from `?2` to before `?3` to the spans of `?1` seconds that they lie in.
const FOLD: &str = adding_up!(
    "INSERT INTO usage_by_key (span, start, key_id, project_id, newest, completed, failed, cancelled,
        interrupted, prompt_tokens, completion_tokens, total_tokens, cached_tokens, reasoning_tokens)
    SELECT ?1, start - start % ?1, key_id, project_id, MAX(newest), SUM(completed), SUM(failed),
        SUM(cancelled), SUM(interrupted), SUM(prompt_tokens), SUM(completion_tokens),
        SUM(total_tokens), SUM(cached_tokens), SUM(reasoning_tokens)
    FROM usage_by_time WHERE span = 60 AND start >= ?2 AND start < ?3 AND key_id > 0
    GROUP BY start - start % ?1, key_id, project_id"
);

const SPANS: [Bucket; 2] = [Bucket::Hour, Bucket::Day];

/// Folds the minutes between, which are in no longer sum yet.
pub(super) fn fold(connection: &Connection, from: i64, to: i64) -> Result<(), Failure> {
    let mut fold = connection.prepare_cached(FOLD)?;
    for span in SPANS {
        fold.execute(params![span.seconds(), from, to])?;
    }
    Ok(())
}

/// Adds sums of minutes that were folded before.
pub(super) fn add(connection: &Connection, sums: &[Sum]) -> Result<(), Failure> {
    let mut add = connection.prepare_cached(ADD)?;
    for sum in sums.iter().filter(|sum| sum.client.key_id > 0) {
        let [completed, failed, cancelled, interrupted, _, tokens @ ..] = &sum.figures;
        for span in SPANS {
            add.execute(params![
                span.seconds(),
                span.start_of(sum.start),
                sum.client.key_id,
                sum.client.project_id,
                sum.newest,
                completed,
                failed,
                cancelled,
                interrupted,
                tokens[0],
                tokens[1],
                tokens[2],
                tokens[3],
                tokens[4],
            ])?;
        }
    }
    Ok(())
}
