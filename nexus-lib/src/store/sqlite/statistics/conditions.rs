use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::super::error::Failure;
use super::super::ledger_row::{self, COLUMNS, state_code};
use super::super::start::Skews;
use crate::store::{LedgerRow, RequestFilter, RequestState};
use crate::wire::TimeRange;

/// Conditions on rows, with bound values only.
#[derive(Clone, Default)]
pub(super) struct Conditions {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Conditions {
    /// Adds a condition whose one `?` is `value`.
    pub(super) fn and(&mut self, condition: &'static str, value: impl Into<Value>) {
        self.and_all(condition, [value.into()]);
    }

    /// Adds a condition with a `?` for each of `values`.
    pub(super) fn and_all<const N: usize>(&mut self, condition: &'static str, values: [Value; N]) {
        let glue = if self.sql.is_empty() { "WHERE" } else { "AND" };
        self.sql.push_str(&format!("{glue} {condition} "));
        self.values.extend(values);
    }

    /// Only rows that started in `range`.
    pub(super) fn within(&mut self, range: TimeRange) {
        if let Some(from) = range.from {
            self.and("started_at >= ?", from.as_micros());
        }
        if let Some(to) = range.to {
            self.and("started_at < ?", to.as_micros());
        }
    }

    /// Only the possible keys of rows that started in `range`.
    pub(super) fn keys_within(&mut self, range: TimeRange, skews: &Skews) {
        let (first, end) = skews.keys(range);
        if let Some(first) = first {
            self.and("seq >= ?", first);
        }
        if let Some(end) = end {
            self.and("seq < ?", end);
        }
    }

    /// Only rows, or sums, of the model and the provider in `filter`.
    pub(super) fn named_by(&mut self, filter: &RequestFilter) {
        if let Some(model) = &filter.model {
            self.and("model = ?", model.clone());
        }
        if let Some(provider) = filter.provider_id {
            self.and("provider_id = ?", provider.0);
        }
    }

    /// Only open rows, which have an index.
    pub(super) fn open(&mut self) {
        // Not bound: the index is only used if the condition contains the state.
        self.and_all("state = 0", []);
    }

    /// Only settled rows, of one state if given.
    pub(super) fn settled(&mut self, state: Option<RequestState>) {
        match state {
            None => self.and_all("state <> 0", []),
            Some(state) => self.and("state = ?", state_code(state)),
        }
    }

    pub(super) fn rows(&self, view: &Connection, order: &str) -> Result<Vec<LedgerRow>, Failure> {
        let sql = format!("SELECT {COLUMNS} FROM ledger {} {order}", self.sql);
        let mut statement = view.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(&self.values), ledger_row::read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}
