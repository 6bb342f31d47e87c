//! Streams: a [`Reader`] of Anthropic's events, a [`Writer`] of them.

mod event;
mod reader;
mod writer;

pub use reader::Reader;
pub use writer::{Options, Writer};
