//! Requests to Gemini.

mod media;
mod part;
mod turns;
mod write;

pub(crate) use write::write;
