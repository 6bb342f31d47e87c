//! Memory for bodies: what requests and whole answers may take together.
//!
//! [`BodyMemory`] counts the bytes of bodies that are held, as they arrive: a length that is announced
//! takes nothing. A [`Gather`] joins a body's pieces without doubling it, and the `Bytes` that come of it
//! give their memory back when the last who has them lets go.
//!
//! A body of up to [`FREE_BYTES`] is not counted: how many there are is bounded elsewhere, and most requests
//! touch nothing here.

mod budget;
mod gather;
mod machine;

pub(crate) use budget::{BodyMemory, Held, Holder};
pub(crate) use gather::{Gather, GatherError};
pub(crate) use machine::a_quarter;

/// So much of a body is not counted.
pub(crate) const FREE_BYTES: usize = 16 * 1024;
