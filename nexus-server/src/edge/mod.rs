//! The layer between a socket and hyper. It prevents clients from holding a connection for nothing,
//! and from hiding a request inside another one (request smuggling).
//!
//! - [`Watched`] is the socket: it reads the passing [heads], gives hyper's error responses the
//!   format of all [others](own_words), and closes a connection whose client has stopped reading.
//! - [`FromClient`] passes the client's address to the service.
//! - [`Framed`] is the service behind hyper: it rejects what was found in the head.

mod framed;
mod from_client;
mod heads;
mod own_words;
mod stall;
mod watched;

pub(crate) use framed::Framed;
pub(crate) use from_client::FromClient;
pub(crate) use heads::Finding;
pub(crate) use watched::Watched;
