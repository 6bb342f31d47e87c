//! Streams: a [`Reader`] of chunks, a [`Writer`] of them.

mod arguments;
mod chunk;
mod reader;
mod writer;

pub(crate) use reader::Reader;
pub(crate) use writer::{Options, Writer};
