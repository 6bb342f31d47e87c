//! Requests: [`read`] as a client writes them, [`write()`] as Anthropic takes them.

mod extra;
mod read;
mod thinking;
mod turns;
mod write;

pub use read::read;
pub(crate) use thinking::effort_of;
pub use write::write;
