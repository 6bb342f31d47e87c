//! Requests to Ollama.

mod turns;
mod write;

pub(crate) use write::write;
