//! Streams: [`Reader`] as OpenAI sends them, [`Writer`] as a client takes them.

mod already;
mod block;
mod reader;
mod writer;

pub use reader::Reader;
pub use writer::{Options, Writer};
