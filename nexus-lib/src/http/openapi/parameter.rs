use serde_json::{Value, json};

/// A part of a path, of a query string or of a head that an operation reads.
pub(in crate::http) struct Parameter(Value);

impl Parameter {
    /// What a path has where its pattern says `{name}`.
    pub(in crate::http) fn path(name: &str, schema: Value, about: &str) -> Self {
        Self(json!({
            "name": name, "in": "path", "required": true, "description": about, "schema": schema,
        }))
    }

    /// The number of a row in a path.
    pub(in crate::http) fn row_id(about: &str) -> Self {
        let schema = json!({"type": "integer", "format": "int64", "minimum": 1});
        Self::path("id", schema, about)
    }

    /// One that a query string may have.
    pub(in crate::http) fn query(name: &str, schema: Value, about: &str) -> Self {
        Self(json!({"name": name, "in": "query", "description": about, "schema": schema}))
    }

    /// A header that a request may have.
    pub(in crate::http) fn header(name: &str, schema: Value, about: &str) -> Self {
        Self(json!({"name": name, "in": "header", "description": about, "schema": schema}))
    }

    /// Makes it one that must be given.
    pub(in crate::http) fn required(mut self) -> Self {
        self.0["required"] = true.into();
        self
    }

    pub(super) fn into_json(self) -> Value {
        self.0
    }
}
