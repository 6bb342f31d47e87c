//! Requests, as Gemini takes them.

mod media;
mod part;
mod turns;
mod write;

pub use write::write;
