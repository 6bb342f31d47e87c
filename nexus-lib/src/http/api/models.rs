use http::{Response, StatusCode};

use crate::call::Principal;
use crate::http::{Body, respond};
use crate::wire::{ModelEntry, ModelList};

/// What the key may call, by name; each model once, under the provider that is asked first.
pub(super) fn list(principal: &Principal) -> Response<Body> {
    let mut data: Vec<ModelEntry> = principal
        .grant()
        .models()
        .filter_map(|(name, targets)| {
            let first = targets.first()?;
            Some(ModelEntry {
                id: name.to_string(),
                object: "model",
                created: first.created_at.as_seconds(),
                owned_by: first.provider.name.to_string(),
            })
        })
        .collect();
    data.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    respond::json(
        StatusCode::OK,
        &ModelList {
            object: "list",
            data,
        },
    )
}
