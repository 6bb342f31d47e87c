//! Memory for bodies: the shared limit of requests and whole answers.
//!
//! [`BodyMemory`] counts the bytes of bodies as they arrive: an announced length counts nothing. A
//! [`Gather`] joins a body's pieces without doubling it, and the resulting `Bytes` release their
//! memory when the last clone is dropped.
//!
//! Bodies of up to [`FREE_BYTES`] are not counted: their number is bounded elsewhere, so most
//! requests touch nothing here.

mod budget;
mod gather;
mod machine;

pub(crate) use budget::{BodyMemory, Held, Holder};
pub(crate) use gather::{Gather, GatherError};
pub(crate) use machine::a_quarter;

/// How much of a body is not counted.
pub(crate) const FREE_BYTES: usize = 16 * 1024;
