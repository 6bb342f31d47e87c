//! The OpenAPI document of each port, made of what answers requests.
//!
//! ```text
//! the router's table ─▶ PathItem ─ Operation ─┐
//! serde's types ─ schemars ─▶ Schemas ────────┴─▶ Document ─▶ JSON, written once
//! ```
//!
//! Paths come from the tables that the routers read, schemas from the types that handlers read and write
//! (by `schemars`: it follows serde's attributes and needs no framework), statuses and codes from
//! [`ErrorKind`](crate::ErrorKind). What is left to write by hand is what they are for.

mod document;
mod operation;
mod parameter;
mod path_item;
mod refusals;
mod schemas;

pub(in crate::http) use document::Document;
pub(in crate::http) use operation::Operation;
pub(in crate::http) use parameter::Parameter;
pub(in crate::http) use path_item::PathItem;
pub(in crate::http) use schemas::Schemas;
