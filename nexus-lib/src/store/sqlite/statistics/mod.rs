//! Questions to the ledger.
//!
//! Sums over time come from `usage_by_time`, so that they take no longer as the ledger grows; only
//! the open rows, which are few, and what a range has of its first and last minute are added up row by
//! row. The same table tells where rows are that match a filter.

mod conditions;
mod conversation;
mod matches;
mod pieces;
mod request;
mod requests;
mod series;
mod totals;

pub(super) use conversation::conversation;
pub(super) use request::request;
pub(super) use requests::requests;
pub(super) use series::series;
pub(super) use totals::totals;
