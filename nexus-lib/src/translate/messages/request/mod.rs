//! Requests: [`read`] as a client writes them, [`write()`] as Anthropic takes them.

mod client_tools;
mod extra;
mod read;
mod schema;
mod source;
mod thinking;
mod turns;
mod write;

pub(crate) use read::read_turns;
pub use read::{read, read_to_count};
pub(crate) use thinking::effort_of;
pub use write::write;
