//! Requests: [`read`] parses a client's, [`write()`] writes a provider's.

mod extra;
mod part;
mod read;
mod reasoning;
mod turns;
mod write;

pub(crate) use read::read;
pub(crate) use write::write;
pub(crate) use write::write_messages;
