//! The meter: every call goes through it, and every ending is settled in it, once.
//!
//! [`MeterLayer`] wraps any service from [`Routed`](crate::call::Routed) to
//! [`Reply`](crate::call::Reply). It opens a row when the upstream takes its time, waits for that
//! row before the first byte goes back, and settles it before the last. A call has four endings: it
//! was answered, it failed, the client left, or the program died. The first three are one function,
//! called by whoever sees the ending, and by `Drop` when nobody does; the fourth is settled at the
//! next start.
//!
//! ```text
//! Account ── ending ─▶ Verdict, figures ─▶ ClosedCall ─┬▶ conversation memory, archive
//!  └ Seen: what went out                               └▶ [estimator] ─▶ observers, ledger
//! ```

mod account;
mod alone;
mod books;
mod closed;
mod closing;
mod cutoff;
mod figures;
mod grace;
mod layer;
mod seen;
mod service;
mod stream;
mod verdict;

pub use alone::{LedgerLayer, OnLedger};
pub use books::Books;
pub use cutoff::Cutoff;
pub use layer::MeterLayer;
pub use service::Meter;
