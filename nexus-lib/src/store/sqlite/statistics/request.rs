use rusqlite::{Connection, OptionalExtension, params};

use super::super::error::Failure;
use super::super::tries;
use crate::store::RequestRecord;
use crate::wire::RequestId;

pub(in super::super) fn request(
    view: &Connection,
    id: RequestId,
) -> Result<Option<RequestRecord>, Failure> {
    let sql = format!(
        "SELECT {} FROM ledger WHERE seq = ?1 AND tail = ?2",
        tries::columns()
    );
    let mut statement = view.prepare_cached(&sql)?;
    let found = statement.query_row(params![id.seq(), id.tail()], tries::read);
    Ok(found.optional()?)
}
