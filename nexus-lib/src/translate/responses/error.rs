//! Errors: the same as in [chat](super::super::chat::error).

pub(crate) use crate::translate::chat::error::{read, status, write};
