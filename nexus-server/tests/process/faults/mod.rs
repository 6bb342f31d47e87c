//! A ledger that cannot be written, or not be opened.

mod outage;
mod refusals;
