//! Shared by the fuzz targets: a mutator that mostly keeps JSON valid, and simple readers for
//! comparison.

mod mutator;
mod plain;
mod streams;

pub use mutator::JsonMutator;
pub use plain::{Members, is_json, nesting};
pub use streams::{check, masked};
