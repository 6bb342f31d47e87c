//! Settled rows that are kept, in the order of their commits, until a sink has taken them.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use rusqlite::{CachedStatement, Connection, params};

use super::SqliteStore;
use super::error::Failure;
use super::ledger_row::{self, COLUMNS};
use crate::error::Result;
use crate::store::{KeptRows, LedgerOutbox};

/// Notes rows where that is wanted; costs nothing else.
pub(super) struct Notes<'c>(Option<CachedStatement<'c>>);

impl<'c> Notes<'c> {
    pub(super) fn of(connection: &'c Connection, is_kept: bool) -> Result<Self, Failure> {
        let note = "INSERT INTO outbox (seq) VALUES (?1)";
        let statement = is_kept.then(|| connection.prepare_cached(note));
        Ok(Self(statement.transpose()?))
    }

    /// Notes the row with this key, which has just been settled.
    pub(super) fn note(&mut self, seq: i64) -> Result<(), Failure> {
        if let Some(statement) = &mut self.0 {
            statement.execute([seq])?;
        }
        Ok(())
    }
}

#[async_trait]
impl LedgerOutbox for SqliteStore {
    async fn keep(&self) -> Result<()> {
        self.inner.is_kept.store(true, Ordering::Release);
        Ok(())
    }

    async fn kept(&self, after: u64, limit: u32) -> Result<KeptRows> {
        self.read(move |view| kept(view, after, limit)).await
    }

    async fn release(&self, last: u64) -> Result<()> {
        let last = i64::try_from(last).unwrap_or(i64::MAX);
        self.write(move |connection| {
            let mut release = connection.prepare_cached("DELETE FROM outbox WHERE number <= ?1")?;
            release.execute([last])?;
            Ok(())
        })
        .await
    }
}

fn kept(view: &Connection, after: u64, limit: u32) -> Result<KeptRows, Failure> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let next = format!(
        "SELECT {COLUMNS}, number FROM outbox JOIN ledger USING (seq)
         WHERE number > ?1 ORDER BY number LIMIT ?2"
    );
    let mut next = view.prepare_cached(&next)?;
    let mut rows = next.query(params![after, limit])?;
    let mut kept = KeptRows::default();
    while let Some(row) = rows.next()? {
        kept.rows.push(ledger_row::read(row)?);
        kept.last = number(row.get("number")?);
    }
    // Numbers have no gaps but those before the oldest: notes are removed from that end.
    let ends = "SELECT MIN(number), MAX(number) FROM outbox WHERE number > ?1";
    let mut ends = view.prepare_cached(ends)?;
    let (oldest, newest): (Option<i64>, Option<i64>) =
        ends.query_row([after], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if let (Some(oldest), Some(newest)) = (oldest, newest) {
        kept.waiting = number(newest.saturating_sub(oldest).saturating_add(1));
    }
    Ok(kept)
}

fn number(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}
