use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::error::Failure;
use super::{found, providers};
use crate::error::{Error, ErrorKind};
use crate::store::{ModelRecord, NewModel, Version};
use crate::wire::{ModelId, ProviderId, Timestamp};

const COLUMNS: &str =
    "id, provider_id, model_name, upstream_model, description, created_at, updated_at";

pub(super) fn load(view: &Connection) -> Result<Vec<ModelRecord>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM models ORDER BY id");
    let mut statement = view.prepare_cached(&sql)?;
    let models = statement.query_map([], read_model)?;
    Ok(models.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn insert(connection: &Connection, new: &NewModel) -> Result<ModelRecord, Failure> {
    providers::require_provider(connection, new.provider_id)?;
    let sql = "
        INSERT INTO models (provider_id, model_name, upstream_model, description,
            created_at, updated_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?5)";
    let values = params![
        new.provider_id.0,
        new.model_name,
        new.upstream_model,
        new.description,
        Timestamp::now().as_micros(),
    ];
    unless_duplicate(connection.execute(sql, values), new)?;
    model(connection, ModelId(connection.last_insert_rowid()))
}

pub(super) fn update(
    connection: &Connection,
    id: ModelId,
    new: &NewModel,
    expected: Option<Version>,
) -> Result<ModelRecord, Failure> {
    model(connection, id)?.version().check(expected)?;
    providers::require_provider(connection, new.provider_id)?;
    let sql = "
        UPDATE models SET provider_id = ?2, model_name = ?3, upstream_model = ?4,
            description = ?5, updated_at = MAX(?6, updated_at + 1)
        WHERE id = ?1";
    let values = params![
        id.0,
        new.provider_id.0,
        new.model_name,
        new.upstream_model,
        new.description,
        Timestamp::now().as_micros(),
    ];
    unless_duplicate(connection.execute(sql, values), new)?;
    model(connection, id)
}

pub(super) fn delete(
    connection: &Connection,
    id: ModelId,
    expected: Option<Version>,
) -> Result<(), Failure> {
    model(connection, id)?.version().check(expected)?;
    let rows = connection.execute("DELETE FROM models WHERE id = ?1", [id.0])?;
    found(rows, || no_model(id))
}

fn model(connection: &Connection, id: ModelId) -> Result<ModelRecord, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM models WHERE id = ?1");
    let record = connection.query_row(&sql, [id.0], read_model).optional()?;
    Ok(record.ok_or_else(|| no_model(id))?)
}

fn read_model(row: &Row<'_>) -> rusqlite::Result<ModelRecord> {
    Ok(ModelRecord {
        id: ModelId(row.get(0)?),
        provider_id: ProviderId(row.get(1)?),
        model_name: row.get(2)?,
        upstream_model: row.get(3)?,
        description: row.get(4)?,
        created_at: Timestamp::from_micros(row.get(5)?),
        updated_at: Timestamp::from_micros(row.get(6)?),
    })
}

fn unless_duplicate(result: rusqlite::Result<usize>, new: &NewModel) -> Result<(), Failure> {
    let Err(error) = result.map_err(Failure::from) else {
        return Ok(());
    };
    if !error.is_duplicate() {
        return Err(error);
    }
    let message = format!(
        "provider {} has a model `{}` already; change that one or take another name",
        new.provider_id, new.model_name
    );
    let conflict = Error::new(ErrorKind::Conflict, message).with_param("model_name");
    Err(conflict.into())
}

fn no_model(id: ModelId) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no model {id}"))
}
