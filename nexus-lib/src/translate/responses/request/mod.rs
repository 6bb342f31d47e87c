//! Requests: [`read`] parses a client's, [`write()`] writes OpenAI's.

mod input;
mod read;
mod write;

pub use read::read;
pub(crate) use read::{begin, finish};
pub use write::write;
