//! Open rows of gateways that are gone.

use rusqlite::{Connection, params};

use super::error::Failure;
use super::ledger_row::state_code;
use super::outbox::Notes;
use super::usage_by_time::{ByClient, Settled, UsageByTime};
use crate::wire::{ProviderId, RequestState, Timestamp, Usage};

const INTERRUPT_OPEN: &str = "
    UPDATE ledger SET state = ?1, error = 'interrupted: the gateway stopped before the answer ended'
    WHERE state = 0 AND owner IS ?2
    RETURNING seq, started_at, provider_id, provider, model, begins, key_id, project_id";

/// Who has an open row; rows of earlier versions do not say it.
pub(super) type RowOwner = Option<[u8; 16]>;

/// Those who have open rows before anybody can write.
pub(super) fn owners(connection: &Connection) -> Result<Vec<RowOwner>, Failure> {
    let mut owners = connection.prepare("SELECT DISTINCT owner FROM ledger WHERE state = 0")?;
    let owners = owners.query_map([], |row| row.get(0))?;
    Ok(owners.collect::<rusqlite::Result<_>>()?)
}

/// Settles the open rows of `owners` as interrupted.
pub(super) fn interrupt_open(
    connection: &Connection,
    owners: &[RowOwner],
    is_kept: bool,
) -> Result<u64, Failure> {
    let mut notes = Notes::of(connection, is_kept)?;
    let mut usage = UsageByTime::default();
    let mut count = 0;
    for owner in owners {
        count += interrupt(connection, *owner, &mut usage, &mut notes)?;
    }
    usage.write(connection)?;
    Ok(count)
}

fn interrupt(
    connection: &Connection,
    owner: RowOwner,
    usage: &mut UsageByTime,
    notes: &mut Notes<'_>,
) -> Result<u64, Failure> {
    let state = RequestState::Interrupted;
    let mut interrupt = connection.prepare_cached(INTERRUPT_OPEN)?;
    let mut rows = interrupt.query(params![state_code(state), owner])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let provider: String = row.get(3)?;
        let model: String = row.get(4)?;
        let settled = Settled {
            seq: row.get(0)?,
            started_at: Timestamp::from_micros(row.get(1)?),
            provider_id: ProviderId(row.get(2)?),
            provider: &provider,
            model: &model,
            begins: row.get(5)?,
            client: ByClient::read(row, 6)?,
            state,
            usage: Usage::default(),
            duration_ms: None,
            first_token_ms: None,
        };
        usage.add(&settled);
        notes.note(settled.seq)?;
        count += 1;
    }
    Ok(count)
}
