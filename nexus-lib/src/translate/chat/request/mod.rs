//! Requests: [`read`] as a client writes them, [`write()`] as a provider takes them.

mod extra;
mod part;
mod read;
mod reasoning;
mod turns;
mod write;

pub use read::read;
pub use write::write;
