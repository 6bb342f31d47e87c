use http::Method;
use serde_json::{Map, Value};

use crate::http::openapi::{Operation, Parameter};

/// The operations of a path, by method.
#[derive(Default)]
pub(in crate::http) struct PathItem {
    parameters: Vec<Value>,
    operations: Vec<(Method, Operation)>,
}

impl PathItem {
    pub(in crate::http) fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter of every method.
    pub(in crate::http) fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter.into_json());
        self
    }

    /// `GET`; `HEAD` is the same without a body, and not documented.
    pub(in crate::http) fn get(self, operation: Operation) -> Self {
        self.method(Method::GET, operation)
    }

    pub(in crate::http) fn post(self, operation: Operation) -> Self {
        self.method(Method::POST, operation)
    }

    pub(in crate::http) fn put(self, operation: Operation) -> Self {
        self.method(Method::PUT, operation)
    }

    pub(in crate::http) fn delete(self, operation: Operation) -> Self {
        self.method(Method::DELETE, operation)
    }

    fn method(mut self, method: Method, operation: Operation) -> Self {
        self.operations.push((method, operation));
        self
    }

    /// Changes each of its operations.
    pub(in crate::http) fn each(mut self, change: impl Fn(Operation) -> Operation) -> Self {
        let operations = self.operations.into_iter();
        self.operations = operations
            .map(|(method, operation)| (method, change(operation)))
            .collect();
        self
    }

    pub(super) fn into_json(
        self,
        pattern: &str,
        error: &Value,
        shared: &mut Map<String, Value>,
    ) -> Value {
        let mut item = Map::new();
        if !self.parameters.is_empty() {
            item.insert("parameters".into(), self.parameters.into());
        }
        for (method, operation) in self.operations {
            let name = method.as_str().to_ascii_lowercase();
            let operation = operation.into_json(&method, pattern, error, shared);
            item.insert(name, operation);
        }
        item.into()
    }
}
