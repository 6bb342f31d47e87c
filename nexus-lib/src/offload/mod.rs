//! Work that would block the runtime: done on a thread that may block.
//!
//! As many pieces run at once as there are cores; others wait for their turn. If the caller stops
//! waiting, work that has not started never does, and running work ends at its next call of
//! [`is_wanted`].

#[cfg(feature = "gateway")]
mod turns;
mod wanted;

#[cfg(feature = "gateway")]
pub(crate) use turns::{by_length, elsewhere};
pub(crate) use wanted::{is_wanted, unwanted};
