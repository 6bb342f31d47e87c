//! The admin API: providers, models and statistics as JSON.
//!
//! ```text
//! Request ─ guard ─▶ route ─▶ json_in / query ─▶ registry or store ─▶ views ─▶ Response
//! ```
//!
//! The path is parsed once, and both the guard and the dispatch go by that one reading. Keys come in
//! and never go out: [views] only know masks.
//!
//! [views]: self::views

mod guard;
mod json_in;
mod models;
mod providers;
mod query;
mod route;
mod service;
mod statistics;
mod views;

pub use service::AdminService;
