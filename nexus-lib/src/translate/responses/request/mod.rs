//! Requests: [`read`] as a client writes them, [`write()`] as OpenAI takes them.

mod input;
mod read;
mod write;

pub use read::read;
pub(crate) use read::read_turns;
pub use write::write;
