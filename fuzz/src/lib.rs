//! What the fuzz targets share: a mutator that keeps JSON mostly whole, and plain readers to compare with.

mod mutator;
mod plain;
mod streams;

pub use mutator::JsonMutator;
pub use plain::{Members, is_json, nesting};
pub use streams::{check, masked};
