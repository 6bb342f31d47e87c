//! Requests: [`read`] parses a client's, [`write()`] writes Anthropic's.

mod client_tools;
mod draft;
mod extra;
mod read;
mod schema;
mod source;
mod thinking;
mod turns;
mod write;

pub(crate) use draft::begin;
pub(crate) use read::finish;
pub(crate) use read::{read, read_to_count};
pub(crate) use thinking::effort_of;
pub(crate) use write::write;
