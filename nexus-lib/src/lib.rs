//! An LLM gateway as a library.
//!
//! # Layout
//! In the order in which data passes; a module imports only from those above it.
pub mod call;
pub mod error;
pub mod sse;
pub mod store;
pub mod wire;

pub use error::{Error, ErrorKind, Origin, Result};
pub use wire::ChatRequest;

#[cfg(feature = "test-util")]
pub mod testing;
