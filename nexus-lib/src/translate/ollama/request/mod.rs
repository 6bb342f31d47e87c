//! Requests to Ollama.

mod turns;
mod write;

pub use write::write;
