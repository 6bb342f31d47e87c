use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::error::ErrorKind;

/// The errors of an operation with one status.
pub(super) struct Refusal {
    pub(super) status: u16,
    /// Built from its codes.
    pub(super) name: String,
    pub(super) response: Value,
}

/// The errors of an operation, by status.
#[derive(Default)]
pub(super) struct Refusals {
    by_status: BTreeMap<u16, Vec<ErrorKind>>,
    /// The format of the gateway's errors where an upstream's pass through too.
    beside_upstreams: Option<Value>,
    /// The format of the gateway's errors for clients of another API.
    other_form: Option<Value>,
}

impl Refusals {
    pub(super) fn add(&mut self, status: u16, kind: ErrorKind) {
        let kinds = self.by_status.entry(status).or_default();
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }

    pub(super) fn pass_on(&mut self, own: &Value) {
        self.beside_upstreams = Some(own.clone());
    }

    pub(super) fn tell_as_well(&mut self, form: &Value) {
        self.other_form = Some(form.clone());
    }

    /// A response for each status, which lists its codes.
    pub(super) fn into_responses(self, error: &Value) -> impl Iterator<Item = Refusal> {
        self.by_status.into_iter().map(move |(status, kinds)| {
            let mut codes: Vec<_> = kinds.iter().map(|kind| kind.code()).collect();
            codes.sort_unstable();
            let schema = if let Some(own) = &self.beside_upstreams {
                json!({"anyOf": [
                    own,
                    {"type": "object", "description": "An upstream's own error, unchanged."},
                ]})
            } else {
                json!({"allOf": [
                    error,
                    {"properties": {"error": {"properties": {"code": {"enum": codes}}}}},
                ]})
            };
            let schema = match &self.other_form {
                Some(other) => json!({"oneOf": [schema, other]}),
                None => schema,
            };
            let mut response = json!({
                "description": format!("`{}`", codes.join("`, `")),
                "content": {"application/json": {"schema": schema}},
            });
            if matches!(status, 429 | 503) {
                response["headers"]["retry-after"] = json!({
                    "description": "When to try again, in seconds, if known.",
                    "schema": {"type": "integer", "minimum": 0},
                });
            }
            Refusal {
                status,
                name: format!("{status}_{}", codes.join("_")),
                response,
            }
        })
    }
}
