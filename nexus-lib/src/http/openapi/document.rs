use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::http::openapi::{PathItem, Schemas};
use crate::wire::ErrorBody;

/// A document under construction.
pub(in crate::http) struct Document {
    title: &'static str,
    description: &'static str,
    /// The schemas of types.
    pub(in crate::http) schemas: Schemas,
    paths: Map<String, Value>,
    /// The schema of an error.
    error: Value,
    /// Responses that several operations share.
    responses: Map<String, Value>,
    /// The authentication schemes, and which of them are accepted.
    security: (Value, Value),
}

impl Document {
    /// A document without paths. `security` are the authentication schemes by name; `needed` are
    /// the accepted ones.
    pub(in crate::http) fn new(
        title: &'static str,
        description: &'static str,
        security: Value,
        needed: Value,
    ) -> Self {
        let mut schemas = Schemas::new();
        let error = schemas.answer::<ErrorBody<'static>>();
        Self {
            title,
            description,
            schemas,
            paths: Map::new(),
            error,
            responses: Map::new(),
            security: (security, needed),
        }
    }

    /// Adds the operations of `pattern`. A parameter that spans slashes (`{*name}`) is treated like
    /// any other.
    pub(in crate::http) fn path(&mut self, pattern: &str, item: PathItem) {
        let pattern = pattern.replace("{*", "{");
        let item = item.into_json(&pattern, &self.error, &mut self.responses);
        self.paths.insert(pattern, item);
    }

    /// Adds an alias of the path `pattern`.
    pub(in crate::http) fn alias(&mut self, alias: &str, pattern: &str) {
        let pointer = pattern.replace('~', "~0").replace('/', "~1");
        let item = json!({"$ref": format!("#/paths/{pointer}")});
        self.paths.insert(alias.to_owned(), item);
    }

    /// The document as JSON.
    pub(in crate::http) fn into_json(self) -> Bytes {
        let (schemes, needed) = self.security;
        let document = json!({
            "openapi": "3.1.0",
            "info": {
                "title": self.title,
                "version": env!("CARGO_PKG_VERSION"),
                "description": self.description,
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            "paths": self.paths,
            "components": {
                "responses": self.responses,
                "schemas": self.schemas.into_components(),
                "securitySchemes": schemes,
            },
            "security": needed,
        });
        document.to_string().into()
    }
}
