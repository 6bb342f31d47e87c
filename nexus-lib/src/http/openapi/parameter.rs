use serde_json::{Value, json};

/// A parameter of an operation in the path, the query string or a header.
pub(in crate::http) struct Parameter(Value);

impl Parameter {
    /// The part of a path at `{name}` in its pattern.
    pub(in crate::http) fn path(name: &str, schema: Value, about: &str) -> Self {
        Self(json!({
            "name": name, "in": "path", "required": true, "description": about, "schema": schema,
        }))
    }

    /// A row's id in a path.
    pub(in crate::http) fn row_id(about: &str) -> Self {
        let schema = json!({"type": "integer", "format": "int64", "minimum": 1});
        Self::path("id", schema, about)
    }

    /// An optional query parameter.
    pub(in crate::http) fn query(name: &str, schema: Value, about: &str) -> Self {
        Self(json!({"name": name, "in": "query", "description": about, "schema": schema}))
    }

    /// An optional request header.
    pub(in crate::http) fn header(name: &str, schema: Value, about: &str) -> Self {
        Self(json!({"name": name, "in": "header", "description": about, "schema": schema}))
    }

    /// Makes it required.
    pub(in crate::http) fn required(mut self) -> Self {
        self.0["required"] = true.into();
        self
    }

    pub(super) fn into_json(self) -> Value {
        self.0
    }
}
