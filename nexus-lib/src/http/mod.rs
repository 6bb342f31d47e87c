//! The edges: where HTTP ends and typed values begin.
//!
//! Every edge is a tower `Service` over `http::Request<B>` for any body `B`, answers with [`Body`]
//! and never fails: what goes wrong becomes a response. So each of them mounts under axum, under
//! plain hyper, or is called in process without a socket.
//!
//! ```text
//! http::Request<B> ─ collect ─▶ typed call … typed reply ─ respond ─▶ http::Response<Body>
//! ```

mod admin;
mod api;
mod body;
mod collect;
mod decode;
mod openapi;
mod pace;
mod respond;
#[cfg(feature = "ws")]
mod ws;
#[cfg(not(feature = "ws"))]
#[path = "no_ws.rs"]
mod ws;

pub use crate::intake::ClientAddr;
pub use admin::{AdminService, MetricsPage};
pub(crate) use admin::{GatewayParts, LedgerOf, SettingsView};
pub(crate) use api::ApiParts;
pub use api::ApiService;
pub use body::Body;
pub use pace::BodyTimeouts;
#[cfg(all(feature = "test-util", feature = "ws"))]
pub use ws::EchoService;
#[cfg(feature = "ws")]
pub use ws::{SocketSettings, Sockets};
#[cfg(not(feature = "ws"))]
pub(crate) use ws::{SocketSettings, Sockets};
