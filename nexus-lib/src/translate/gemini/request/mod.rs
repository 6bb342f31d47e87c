//! Requests, as Gemini takes them.

mod part;
mod turns;
mod write;

pub use write::write;
