//! What stands between a socket and hyper, so that no client can hold a connection for nothing or hide
//! a request in another.
//!
//! - [`Watched`] is the socket: it looks at the [heads] that pass, gives hyper's refusals the shape of all
//!   [others](own_words), and breaks a connection whose client takes nothing any more.
//! - [`FromClient`] tells the service where a request came from.
//! - [`Framed`] is the service behind hyper: it refuses what the look at the head found.

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
