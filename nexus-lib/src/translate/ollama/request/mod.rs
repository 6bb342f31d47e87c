//! Requests, as Ollama takes them.

mod turns;
mod write;

pub use write::write;
