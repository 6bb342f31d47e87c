//! Errors: as [chat](super::super::chat::error) has them.

pub use crate::translate::chat::error::{read, status, write};
