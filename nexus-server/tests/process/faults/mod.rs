//! A ledger that cannot be written or opened.

mod files;
mod outage;
mod refusals;
