//! Chat over WebSocket: many chats on one socket.
//!
//! ```text
//! GET /ws/chat ─ handshake ─▶ socket ─ frame ─▶ chat ─ Call ─▶ the stack ─ Metered ─▶ frames
//! ```
//!
//! A face of the same typed calls that HTTP uses: routing, metering and the ledger are not here.
//! One task owns a socket and its [chats](chat). It writes before it reads, and reads before it
//! asks chats for more, so that a client that does not read slows down its own chats, and nothing
//! else.
//!
//! A chat that its client wants to be [resumable](session) lives in a task of its own, and outlives
//! the socket for a while.

mod accept;
mod chat;
mod closing;
mod counted;
#[cfg(feature = "test-util")]
mod echo;
mod frame;
mod handshake;
mod label;
mod look;
mod open_chats;
mod session;
mod settings;
mod socket;
mod sockets;
mod streaming;

pub(crate) use accept::accept;
#[cfg(feature = "test-util")]
pub use echo::EchoService;
pub(crate) use handshake::key_among_protocols;
pub use settings::SocketSettings;
pub use sockets::Sockets;
