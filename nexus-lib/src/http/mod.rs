//! The edges: where HTTP ends and typed values begin.
//!
//! Every edge is a tower `Service` over `http::Request<B>` for any body `B`, answers with [`Body`] and
//! never fails: what goes wrong becomes a response. So each of them mounts under axum, under plain
//! hyper, or is called in process without a socket.
//!
//! ```text
//! http::Request<B> ─ collect ─▶ typed call … typed reply ─ respond ─▶ http::Response<Body>
//! ```

mod admin;
mod api;
mod body;
mod collect;
mod decode;
mod open_requests;
mod openapi;
mod pace;
mod refusals;
mod respond;
mod ws;

pub use admin::{AdminService, MetricsPage};
pub(crate) use admin::{Chats, GatewayParts, SettingsView};
pub(crate) use api::ApiParts;
pub use api::ApiService;
pub use body::Body;
pub(crate) use open_requests::OpenRequests;
pub use pace::BodyTimeouts;
pub use refusals::ClientAddr;
pub(crate) use refusals::Refusals;
#[cfg(feature = "test-util")]
pub use ws::EchoService;
pub use ws::{SocketSettings, Sockets};
