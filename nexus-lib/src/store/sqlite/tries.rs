//! The requests to providers as a column of a row: JSON, and null in a plain row, whose other
//! columns tell.

use rusqlite::Row;
use rusqlite::types::Type;

use super::error::Failure;
use super::ledger_row::{self, COLUMNS};
use crate::error::{Error, ErrorKind};
use crate::store::{RequestRecord, Settlement};

/// The columns in the order in which [`read`] takes them.
pub(super) fn columns() -> String {
    format!("{COLUMNS}, upstream_status, tries")
}

/// Null where it is the status that the client got.
pub(super) fn upstream_status(settlement: &Settlement) -> Option<u16> {
    settlement.tries.as_ref().and(settlement.upstream_status)
}

pub(super) fn column(settlement: &Settlement) -> Result<Option<String>, Failure> {
    let Some(tries) = &settlement.tries else {
        return Ok(None);
    };
    let text = serde_json::to_string(tries).map_err(|cause| {
        let message = "the tries of a request cannot be written as JSON";
        Error::new(ErrorKind::Internal, message).with_source(cause)
    })?;
    Ok(Some(text))
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<RequestRecord> {
    let ledger = ledger_row::read(row)?;
    let Some(tries) = row.get::<_, Option<String>>(28)? else {
        return Ok(RequestRecord::of(ledger));
    };
    let tries = serde_json::from_str(&tries).map_err(|cause| {
        rusqlite::Error::FromSqlConversionFailure(28, Type::Text, Box::new(cause))
    })?;
    Ok(RequestRecord {
        row: ledger,
        upstream_status: row.get(27)?,
        tries,
    })
}
