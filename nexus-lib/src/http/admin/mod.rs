//! The admin API: providers, models and statistics as JSON, and the web console that uses it.
//!
//! ```text
//! Request ─ guard ─▶ route ─▶ json_in / query ─▶ registry or store ─▶ views ─▶ Response
//! ```
//!
//! The path is parsed once, and both the guard and the dispatch go by that one reading. Keys come
//! in and never go out: [views] only know masks.
//!
//! [views]: self::views

mod attempts;
mod authority;
mod chat;
#[cfg(feature = "console")]
mod console;
#[cfg(not(feature = "console"))]
#[path = "no_console.rs"]
mod console;
mod conversations;
mod guard;
mod json_in;
mod models;
mod operations;
mod operator;
mod page;
mod precondition;
mod providers;
mod query;
mod route;
mod service;
mod settings;
mod statistics;
mod upstream;
mod views;

pub use service::{AdminService, MetricsPage};
pub(crate) use service::{GatewayParts, LedgerOf};
pub(crate) use settings::SettingsView;
