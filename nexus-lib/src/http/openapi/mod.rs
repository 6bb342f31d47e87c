//! The OpenAPI document of each port, generated from the code that serves requests.
//!
//! ```text
//! the router's table ─▶ PathItem ─ Operation ─┐
//! serde's types ─ schemars ─▶ Schemas ────────┴─▶ Document ─▶ JSON, written once
//! ```
//!
//! Paths come from the routers' tables, schemas from the types that handlers read and write (by
//! `schemars`: it follows serde's attributes and needs no framework), statuses and codes from
//! [`ErrorKind`](crate::ErrorKind). Only descriptions are written by hand.

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
