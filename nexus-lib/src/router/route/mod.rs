//! From a call to its candidates.

mod layer;
mod service;
mod spread;

pub use layer::RouteLayer;
pub use service::Route;

use std::sync::Arc;

use crate::call::{Principal, Target};
use crate::error::{Error, ErrorKind, Result};

/// Knows which targets may answer.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Router;

impl Router {
    /// A router.
    pub fn new() -> Self {
        Self
    }

    /// The targets that may answer `principal`'s request for `model`, first choice first; at least
    /// one. Low priorities come first; equals take turns by weight.
    ///
    /// # Errors
    /// [`ErrorKind::ModelNotFound`] when no enabled provider offers the model to this key.
    pub fn candidates(&self, principal: &Principal, model: &str) -> Result<Arc<[Target]>> {
        match principal.grant().targets(model) {
            Some(targets) if !targets.is_empty() => Ok(spread::spread(targets)),
            _ => Err(Error::new(
                ErrorKind::ModelNotFound,
                format!(
                    "the model `{}` is not offered to this key; GET /v1/models lists what is",
                    model.chars().take(100).collect::<String>()
                ),
            )
            .with_param("model")),
        }
    }
}
