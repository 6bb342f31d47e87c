//! A ledger that cannot be written, or not be opened.

mod files;
mod outage;
mod refusals;
