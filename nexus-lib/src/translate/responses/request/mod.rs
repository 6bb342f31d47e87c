//! Requests: [`read`] as a client writes them, [`write()`] as OpenAI takes them.

mod input;
mod read;
mod write;

pub use read::read;
pub use write::write;
