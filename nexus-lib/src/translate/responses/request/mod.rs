//! Requests: [`read`] parses a client's, [`write()`] writes OpenAI's.

mod input;
mod read;
mod write;

pub(crate) use read::read;
pub(crate) use read::{begin, finish};
pub(crate) use write::write;
