//! Requests to Gemini.

mod media;
mod part;
mod turns;
mod write;

pub use write::write;
