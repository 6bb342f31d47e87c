//! What the fuzz targets in `fuzz/` call of parts that nobody else can reach, over bytes in memory.
//!
//! Not for applications: it changes with what it calls.

pub use crate::provider::fuzzing::{Passing, Streamed, pass, translate};
pub use crate::provider::transport_fuzzing::{Answer, Tunnel, http1, socks5};
