use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::error::Failure;
use super::found;
use crate::error::{Error, ErrorKind};
use crate::store::{ProjectFields, ProjectRecord, Version};
use crate::wire::{ProjectId, Timestamp};

const SELECT: &str = "SELECT id, name, created_at, updated_at FROM projects";

pub(super) fn load(view: &Connection) -> Result<Vec<ProjectRecord>, Failure> {
    let mut statement = view.prepare_cached(&format!("{SELECT} ORDER BY id"))?;
    let projects = statement.query_map([], read)?;
    Ok(projects.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn insert(
    connection: &Connection,
    fields: &ProjectFields,
) -> Result<ProjectRecord, Failure> {
    connection.execute(
        "INSERT INTO projects (name, created_at, updated_at) VALUES (?1, ?2, ?2)",
        params![fields.name, Timestamp::now().as_micros()],
    )?;
    project(connection, ProjectId(connection.last_insert_rowid()))
}

pub(super) fn update(
    connection: &Connection,
    id: ProjectId,
    fields: &ProjectFields,
    expected: Option<Version>,
) -> Result<ProjectRecord, Failure> {
    project(connection, id)?.version().check(expected)?;
    connection.execute(
        "UPDATE projects SET name = ?2, updated_at = MAX(?3, updated_at + 1) WHERE id = ?1",
        params![id.0, fields.name, Timestamp::now().as_micros()],
    )?;
    project(connection, id)
}

pub(super) fn delete(
    connection: &Connection,
    id: ProjectId,
    expected: Option<Version>,
) -> Result<(), Failure> {
    project(connection, id)?.version().check(expected)?;
    let has_keys = connection
        .prepare_cached("SELECT 1 FROM keys WHERE project_id = ?1")?
        .exists([id.0])?;
    if has_keys {
        let message = "keys belong to this project; move or delete them first";
        return Err(Error::new(ErrorKind::Conflict, message).into());
    }
    let rows = connection.execute("DELETE FROM projects WHERE id = ?1", [id.0])?;
    found(rows, || no_project(id))
}

/// Refuses a key's project that is not there.
pub(super) fn require(connection: &Connection, id: Option<ProjectId>) -> Result<(), Failure> {
    let Some(id) = id else { return Ok(()) };
    match project(connection, id) {
        Ok(_) => Ok(()),
        Err(Failure::Refused(error)) => Err(error.with_param("project_id").into()),
        Err(error) => Err(error),
    }
}

fn project(connection: &Connection, id: ProjectId) -> Result<ProjectRecord, Failure> {
    let sql = format!("{SELECT} WHERE id = ?1");
    let record = connection.query_row(&sql, [id.0], read).optional()?;
    Ok(record.ok_or_else(|| no_project(id))?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<ProjectRecord> {
    let fields = ProjectFields::new(row.get::<_, String>(1)?);
    let created_at = Timestamp::from_micros(row.get(2)?);
    Ok(ProjectRecord {
        updated_at: Timestamp::from_micros(row.get(3)?),
        ..ProjectRecord::new(ProjectId(row.get(0)?), fields, created_at)
    })
}

fn no_project(id: ProjectId) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no project {id}"))
}
