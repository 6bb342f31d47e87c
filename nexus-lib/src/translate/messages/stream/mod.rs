//! Streams: a [`Reader`] of Anthropic's events, a [`Writer`] of them.

mod event;
mod reader;
mod writer;

pub(crate) use reader::Reader;
pub(crate) use writer::{Options, Writer};
