//! Ledger queries.
//!
//! Sums over time come from `usage_by_time`, so their cost does not grow with the ledger. Only open
//! rows, which are few, and the partial minutes at the ends of a range are added up row by row. The
//! same table shows where matching rows are.

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
