use http::Method;
use serde_json::{Map, Value, json};

use crate::error::ErrorKind;
use crate::http::openapi::Parameter;
use crate::http::openapi::refusals::Refusals;

/// What a method of a path does, its request and its responses.
pub(in crate::http) struct Operation {
    summary: &'static str,
    description: Option<&'static str>,
    tag: &'static str,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: Map<String, Value>,
    /// Headers of every answer.
    headers: Map<String, Value>,
    refusals: Refusals,
    open: bool,
}

impl Operation {
    pub(in crate::http) fn new(tag: &'static str, summary: &'static str) -> Self {
        Self {
            summary,
            description: None,
            tag,
            parameters: Vec::new(),
            body: None,
            answers: Map::new(),
            headers: Map::new(),
            refusals: Refusals::default(),
            open: false,
        }
    }

    /// Adds a description to the summary.
    pub(in crate::http) fn about(mut self, description: &'static str) -> Self {
        self.description = Some(description);
        self
    }

    pub(in crate::http) fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter.into_json());
        self
    }

    /// Accepts a body of this media type.
    pub(in crate::http) fn takes(mut self, media: &str, schema: &Value, required: bool) -> Self {
        self.body = Some(json!({"required": required, "content": {media: {"schema": schema}}}));
        self
    }

    /// Requires a JSON body.
    pub(in crate::http) fn takes_json(self, schema: &Value) -> Self {
        self.takes("application/json", schema, true)
    }

    /// Answers with this status and a body of this media type. A second media type of a status is
    /// added.
    pub(in crate::http) fn answers(mut self, status: u16, media: &str, schema: &Value) -> Self {
        let answer = self.answer(status);
        answer["content"][media] = json!({ "schema": schema });
        self
    }

    /// Answers 200 with a JSON body.
    pub(in crate::http) fn answers_json(self, schema: &Value) -> Self {
        self.answers(200, "application/json", schema)
    }

    /// Answers with only this status.
    pub(in crate::http) fn answers_nothing(mut self, status: u16) -> Self {
        self.answer(status);
        self
    }

    fn answer(&mut self, status: u16) -> &mut Value {
        let reason = http::StatusCode::from_u16(status).ok();
        let reason = reason.and_then(|status| status.canonical_reason());
        let fresh = || json!({ "description": reason.unwrap_or("An answer") });
        self.answers.entry(status.to_string()).or_insert_with(fresh)
    }

    /// Links the `id` in a JSON answer of this status to the parameter of `pattern`.
    pub(in crate::http) fn leads_to(
        mut self,
        status: u16,
        methods: &[Method],
        pattern: &str,
    ) -> Self {
        let answer = self.answer(status);
        for method in methods {
            let id = operation_id(method, pattern);
            answer["links"][id.as_str()] = json!({
                "operationId": id, "parameters": {"id": "$response.body#/id"},
            });
        }
        self
    }

    /// A header of every answer, errors included.
    pub(in crate::http) fn header(mut self, name: &str, schema: &Value, about: &str) -> Self {
        let header = json!({"description": about, "schema": schema});
        self.headers.insert(name.to_owned(), header);
        self
    }

    /// Answers with these errors, each with its own status.
    pub(in crate::http) fn fails(mut self, kinds: &[ErrorKind]) -> Self {
        for kind in kinds {
            self.refusals.add(kind.status().as_u16(), *kind);
        }
        self
    }

    /// Answers with this error and a status that is not its kind's.
    pub(in crate::http) fn fails_with(mut self, status: u16, kind: ErrorKind) -> Self {
        self.refusals.add(status, kind);
        self
    }

    /// An upstream's own errors pass through, in addition to the gateway's, which `own` describes.
    pub(in crate::http) fn passes_errors_on(mut self, own: &Value) -> Self {
        self.refusals.pass_on(own);
        self
    }

    /// The gateway's errors may also have this format.
    pub(in crate::http) fn tells_errors_as(mut self, form: &Value) -> Self {
        self.refusals.tell_as_well(form);
        self
    }

    /// Needs no key or token.
    pub(in crate::http) fn open(mut self) -> Self {
        self.open = true;
        self
    }

    pub(in crate::http) fn is_open(&self) -> bool {
        self.open
    }

    /// The operation as `method` of `pattern`. Error responses are in `shared`, by name.
    pub(super) fn into_json(
        self,
        method: &Method,
        pattern: &str,
        error: &Value,
        shared: &mut Map<String, Value>,
    ) -> Value {
        let mut responses = self.answers;
        for response in responses.values_mut() {
            add_headers(response, &self.headers);
        }
        for mut refusal in self.refusals.into_responses(error) {
            add_headers(&mut refusal.response, &self.headers);
            let name = share(shared, refusal.name, refusal.response);
            let reference = json!({"$ref": format!("#/components/responses/{name}")});
            responses.insert(refusal.status.to_string(), reference);
        }
        let mut operation = json!({
            "operationId": operation_id(method, pattern),
            "summary": self.summary,
            "tags": [self.tag],
            "responses": responses,
        });
        if let Some(description) = self.description {
            operation["description"] = description.into();
        }
        if !self.parameters.is_empty() {
            operation["parameters"] = self.parameters.into();
        }
        if let Some(body) = self.body {
            operation["requestBody"] = body;
        }
        if self.open {
            operation["security"] = json!([]);
        }
        operation
    }
}

/// The operation's name, for generated programs.
fn operation_id(method: &Method, pattern: &str) -> String {
    let mut id = method.as_str().to_ascii_lowercase();
    for word in pattern.split(|letter: char| !letter.is_ascii_alphanumeric()) {
        if !word.is_empty() {
            id.push('_');
            id.push_str(word);
        }
    }
    id
}

fn add_headers(response: &mut Value, headers: &Map<String, Value>) {
    for (name, header) in headers {
        response["headers"][name.as_str()] = header.clone();
    }
}

/// Adds `response` to the shared ones, unless it exists; returns its name there.
fn share(shared: &mut Map<String, Value>, mut name: String, response: Value) -> String {
    while shared.get(&name).is_some_and(|known| *known != response) {
        name.push('_');
    }
    shared.insert(name.clone(), response);
    name
}
