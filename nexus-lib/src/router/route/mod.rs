//! From a call to its candidates.

mod layer;
mod service;
mod spread;

pub use layer::RouteLayer;
pub use service::Route;

use std::sync::Arc;

use crate::call::{Operation, Principal, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::wire::ProviderId;

/// Finds the targets that may answer.
#[derive(Debug, Clone, Default)]
pub struct Router {
    /// The operations that each kind of provider supports. If empty, all support all.
    speakers: Arc<[(&'static str, Vec<Operation>)]>,
}

impl Router {
    /// A router.
    pub fn new() -> Self {
        Self::default()
    }

    /// A router with the operations that each kind of provider supports.
    pub fn with_speakers(speakers: Vec<(&'static str, Vec<Operation>)>) -> Self {
        Self {
            speakers: speakers.into(),
        }
    }

    /// The `candidates` whose provider supports `operation`. All of them support chats.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when none does.
    pub fn speaking(
        &self,
        operation: Operation,
        candidates: Arc<[Target]>,
    ) -> Result<Arc<[Target]>> {
        if operation == Operation::ChatCompletion || self.speakers.is_empty() {
            return Ok(candidates);
        }
        let speaks = |target: &Target| {
            let kind = &*target.provider.kind;
            let mut speakers = self.speakers.iter();
            speakers.any(|(known, operations)| *known == kind && operations.contains(&operation))
        };
        if candidates.iter().all(speaks) {
            return Ok(candidates);
        }
        let speaking: Arc<[Target]> = candidates
            .iter()
            .filter(|target| speaks(target))
            .cloned()
            .collect();
        match *speaking {
            [] => Err(Error::new(
                ErrorKind::NotFound,
                format!(
                    "no provider of this model supports {}; use another model",
                    operation.path()
                ),
            )
            .with_param("model")),
            _ => Ok(speaking),
        }
    }

    /// The targets that may answer `principal`'s request for `model`, first choice first; at least
    /// one. Lower priorities come first; equal ones are ordered by open requests relative to
    /// weight. If `only` is given, other providers are excluded.
    ///
    /// # Errors
    /// [`ErrorKind::ModelNotFound`] when no enabled provider offers the model to this key.
    pub fn candidates(
        &self,
        principal: &Principal,
        model: &str,
        only: Option<ProviderId>,
    ) -> Result<Arc<[Target]>> {
        let targets = principal.grant().targets(model);
        if let (Some(id), Some(targets)) = (only, targets) {
            let is_asked = |target: &&Target| target.provider.id == id;
            let asked: Arc<[Target]> = targets.iter().filter(is_asked).cloned().collect();
            return match asked.is_empty() {
                false => Ok(asked),
                true => Err(Error::new(
                    ErrorKind::ModelNotFound,
                    format!("provider {id} does not offer this model to this key"),
                )
                .with_param("provider_id")),
            };
        }
        match targets {
            Some(targets) if !targets.is_empty() => Ok(spread::spread(targets)),
            _ => Err(Error::new(
                ErrorKind::ModelNotFound,
                format!(
                    "this key has no access to the model `{}`; GET /v1/models lists its models",
                    model.chars().take(100).collect::<String>()
                ),
            )
            .with_param("model")),
        }
    }
}
