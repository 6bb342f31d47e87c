//! Streams: a [`Reader`] of chunks, a [`Writer`] of them.

mod arguments;
mod chunk;
mod reader;
mod writer;

pub use reader::Reader;
pub use writer::{Options, Writer};
