//! Streams: [`Reader`] parses OpenAI's, [`Writer`] writes a client's.

mod already;
mod block;
mod reader;
mod writer;

pub(crate) use reader::Reader;
pub(crate) use writer::{Options, Writer};
