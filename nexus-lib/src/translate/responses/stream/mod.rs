//! Streams: [`Reader`] parses OpenAI's, [`Writer`] writes a client's.

mod already;
mod block;
mod reader;
mod writer;

pub use reader::Reader;
pub use writer::{Options, Writer};
