//! Access for the fuzz targets in `fuzz/` to private parts, over bytes in memory.
//!
//! Not for applications: it changes with those parts.

pub use crate::provider::fuzzing::{Passing, Streamed, pass, translate};
pub use crate::provider::transport_fuzzing::{Answer, Tunnel, http1, socks5};
