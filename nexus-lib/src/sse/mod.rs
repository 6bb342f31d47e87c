//! Server-sent events, as bytes that pass through.
//!
//! A gateway needs no tree of events: it forwards the bytes and examines some of them.
//!
//! 1. [`Decoder`] splits the chunks of a network stream into *regions* of whole events, as soon as
//!    they are complete. Concatenated, the regions are the stream, byte for byte.
//! 2. [`events`] reads the events of a region in place.
//! 3. [`encode_data`] writes one.
//!
//! Lines end in LF, CRLF or CR. Comments, blank lines and unknown fields belong to no event and
//! pass through with their region.
//!
//! ```
//! use nexus_lib::sse::{Decoder, events};
//!
//! let mut decoder = Decoder::new(1 << 20);
//! let region = decoder.push("data: one\n\ndata: t".into())?;
//! assert_eq!(region, "data: one\n\n");
//! let region = decoder.push("wo\n\n".into())?;
//! let datas: Vec<_> = events(&region).map(|event| event.data()).collect();
//! assert_eq!(datas, [&b"two"[..]]);
//! # Ok::<(), nexus_lib::Error>(())
//! ```

mod decoder;
mod encode;
mod event;

pub use decoder::Decoder;
pub use encode::encode_data;
pub use event::{Event, Events, events};

#[cfg(test)]
mod tests;
