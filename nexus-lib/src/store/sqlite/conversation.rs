//! Conversation ids in storage: most are the id of the conversation's first request, and need no
//! column in that request's row; in later rows they are sixteen bytes instead of text.

use rusqlite::types::{FromSqlError, FromSqlResult, ToSqlOutput, Value, ValueRef};

use crate::wire::{ConversationId, RequestId};

/// The id as a search value.
pub(super) fn key(id: &ConversationId) -> Value {
    match id.request() {
        Some(request) => Value::Blob(request.as_bytes().to_vec()),
        None => Value::Text(id.to_string()),
    }
}

/// The id in the row of `request`.
pub(super) fn column(id: &ConversationId, request: RequestId) -> ToSqlOutput<'static> {
    match id.request() {
        Some(own) if own == request => ToSqlOutput::Owned(Value::Null),
        Some(other) => ToSqlOutput::Owned(Value::Blob(other.as_bytes().to_vec())),
        None => ToSqlOutput::Owned(Value::Text(id.to_string())),
    }
}

/// The scope in a row.
pub(super) fn scope(id: &ConversationId) -> Option<[u8; 8]> {
    id.scope().map(|scope| *scope.as_bytes())
}

/// Reads the column of the row of `request`.
pub(super) fn read(column: ValueRef<'_>, request: RequestId) -> FromSqlResult<String> {
    match column {
        ValueRef::Null => Ok(request.to_string()),
        ValueRef::Blob(bytes) => match bytes.try_into() {
            Ok(bytes) => Ok(RequestId::from_bytes(bytes).to_string()),
            Err(_) => Err(FromSqlError::InvalidType),
        },
        other => other.as_str().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_comes_back_as_it_was() {
        let request = RequestId::new();
        let other = RequestId::new().to_string();
        for id in [
            request.to_string(),
            request.to_string().to_uppercase(),
            request.to_string().replace('-', ""),
            other.clone(),
            other.to_uppercase(),
            "chat-42".to_owned(),
        ] {
            let parsed: ConversationId = id.parse().unwrap();
            let stored = column(&parsed, request);
            let stored = match &stored {
                ToSqlOutput::Owned(value) => value.into(),
                ToSqlOutput::Borrowed(value) => *value,
                _ => panic!("an id is a value"),
            };
            assert_eq!(read(stored, request).unwrap(), id);
        }
        let own: ConversationId = request.to_string().parse().unwrap();
        assert_eq!(column(&own, request), ToSqlOutput::Owned(Value::Null));
    }
}
