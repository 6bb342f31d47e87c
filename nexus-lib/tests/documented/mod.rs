//! Checks a port's answers against its OpenAPI document.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

/// A port's document.
pub(crate) struct Documented(pub(crate) Value);

/// Statuses that any request may get before it reaches its route.
const REFUSED_AT_THE_DOOR: [u16; 4] = [400, 401, 403, 431];
/// Their parameter contains slashes, which OpenAPI cannot express.
const SPAN_SLASHES: [&str; 4] = [
    "/console/{path}",
    "/stats/conversation/{id}",
    "/models/{id}",
    "/v1/models/{id}",
];

impl Documented {
    fn paths(&self) -> &Map<String, Value> {
        self.0["paths"].as_object().unwrap()
    }

    /// The target of a reference; any other value unchanged.
    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(target) => {
                let pointer = target.strip_prefix('#').unwrap();
                let found = self.0.pointer(pointer);
                self.resolved(found.unwrap_or_else(|| panic!("{target} leads nowhere")))
            }
            None => value,
        }
    }

    /// The operations of each path, by method.
    pub(crate) fn operations(&self) -> impl Iterator<Item = (&str, Vec<(String, &Value)>)> {
        self.paths().iter().map(|(path, item)| {
            let item = self.resolved(item).as_object().unwrap();
            let operations = item.iter().filter(|(key, _)| *key != "parameters");
            let operations = operations.map(|(key, value)| (key.to_uppercase(), value));
            (path.as_str(), operations.collect())
        })
    }

    fn item(&self, path: &str) -> Option<&Value> {
        let path = path.split('?').next().unwrap_or_default();
        let path = match path.strip_suffix('/').unwrap_or(path) {
            "" => "/",
            path => path,
        };
        let paths = self.paths();
        let found = paths.get(path).or_else(|| {
            let mut fits = paths.iter().filter(|(pattern, _)| fits(pattern, path));
            fits.next().map(|(_, item)| item)
        });
        found.map(|item| self.resolved(item))
    }

    /// Checks an answer: its status, its media type and its body.
    #[track_caller]
    pub(crate) fn check(
        &self,
        (method, path): (&str, &str),
        status: u16,
        content_type: Option<&str>,
        body: &[u8],
    ) {
        let what = format!("{method} {path} {status}");
        let told = match method {
            "HEAD" => "get".to_owned(),
            other => other.to_lowercase(),
        };
        let Some(item) = self.item(path) else {
            assert!(
                status == 404 || REFUSED_AT_THE_DOOR.contains(&status),
                "{what}: no such path"
            );
            return;
        };
        let Some(operation) = item.get(&told) else {
            assert!(
                status == 405 || REFUSED_AT_THE_DOOR.contains(&status),
                "{what}: no such method"
            );
            return;
        };
        if status == 405 && method == "HEAD" {
            return;
        }
        let response = operation["responses"].get(status.to_string());
        let response = response.unwrap_or_else(|| panic!("{what} is not told"));
        let Some(contents) = self.resolved(response).get("content") else {
            assert!(body.is_empty(), "{what}: a body that is not told");
            return;
        };
        if body.is_empty() && method == "HEAD" {
            return;
        }
        let media = content_type.unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim();
        let family = format!("{}/*", media.split('/').next().unwrap_or_default());
        let content = contents.get(media).or_else(|| contents.get(&family));
        let content = content.unwrap_or_else(|| panic!("{what}: {media} is not told"));
        if media == "application/json" {
            let body: Value = serde_json::from_slice(body).unwrap();
            // The gateway's own error is the first alternative.
            let schema = &content["schema"];
            let found = self.validator(schema.pointer("/anyOf/0").unwrap_or(schema));
            let faults: Vec<_> = found
                .iter_errors(&body)
                .map(|one| one.to_string())
                .collect();
            assert!(faults.is_empty(), "{what}: {faults:?} in {body}");
        }
    }

    fn validator(&self, schema: &Value) -> jsonschema::Validator {
        let mut schema = schema.clone();
        schema["components"] = self.0["components"].clone();
        jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .build(&schema)
            .unwrap()
    }

    /// Checks the rules of OpenAPI 3.1 that matter for this project's documents.
    pub(crate) fn check_form(&self) {
        assert_eq!(self.0["openapi"], "3.1.0");
        assert!(self.0["info"]["title"].is_string() && self.0["info"]["version"].is_string());
        self.check_references(&self.0);
        let schemes = self.0["components"]["securitySchemes"].as_object().unwrap();
        for way in self.0["security"].as_array().unwrap() {
            for name in way.as_object().unwrap().keys() {
                assert!(schemes.contains_key(name), "{name}");
            }
        }
        for (name, schema) in self.0["components"]["schemas"].as_object().unwrap() {
            jsonschema::draft202012::meta::validate(schema)
                .unwrap_or_else(|fault| panic!("{name}: {fault}"));
        }

        let mut ids: HashMap<&str, &Value> = HashMap::new();
        for (path, operations) in self.operations() {
            assert!(!operations.is_empty(), "{path}");
            let item = &self.paths()[path];
            for (method, operation) in operations {
                let what = format!("{method} {path}");
                assert!(operation["summary"].is_string(), "{what}");
                let id = operation["operationId"].as_str().unwrap();
                // Another name of a path has the very same operation.
                let known = ids.insert(id, operation);
                let aliased = item.get("$ref").is_some() || known == Some(operation);
                assert!(known.is_none() || aliased, "{what}: {id} twice");
                self.check_parameters(&what, path, &self.resolved(item)["parameters"], operation);
                for (status, response) in operation["responses"].as_object().unwrap() {
                    let code: u16 = status.parse().unwrap();
                    assert!((100..600).contains(&code), "{what} {status}");
                    assert!(
                        self.resolved(response)["description"].is_string(),
                        "{what} {status}"
                    );
                }
            }
        }
        let links = self.operations().flat_map(|(_, operations)| operations);
        for (_, operation) in links {
            for response in operation["responses"].as_object().unwrap().values() {
                for link in response["links"]
                    .as_object()
                    .into_iter()
                    .flat_map(Map::values)
                {
                    let id = link["operationId"].as_str().unwrap();
                    assert!(ids.contains_key(id), "{id} is linked and not there");
                }
            }
        }
    }

    fn check_references(&self, value: &Value) {
        self.resolved(value);
        match value {
            Value::Object(fields) => fields.values().for_each(|one| self.check_references(one)),
            Value::Array(values) => values.iter().for_each(|one| self.check_references(one)),
            _ => {}
        }
    }

    /// A path's parameters are those in its braces; none is declared twice.
    fn check_parameters(&self, what: &str, path: &str, shared: &Value, operation: &Value) {
        let own = &operation["parameters"];
        let parameters = [shared, own]
            .into_iter()
            .filter_map(Value::as_array)
            .flatten();
        let mut told = HashSet::new();
        let mut in_path = Vec::new();
        for parameter in parameters {
            let name = parameter["name"].as_str().unwrap();
            assert!(
                told.insert((name, parameter["in"].as_str().unwrap())),
                "{what}: {name}"
            );
            jsonschema::draft202012::meta::validate(&parameter["schema"]).unwrap();
            if parameter["in"] == "path" {
                assert_eq!(parameter["required"], true, "{what}: {name}");
                in_path.push(format!("{{{name}}}"));
            }
        }
        let braces = path.split('/').filter(|part| part.starts_with('{'));
        assert_eq!(in_path, braces.collect::<Vec<_>>(), "{what}");
    }
}

fn fits(pattern: &str, path: &str) -> bool {
    if SPAN_SLASHES.contains(&pattern) {
        let start = pattern.split('{').next().unwrap_or_default();
        return path
            .strip_prefix(start)
            .is_some_and(|rest| !rest.is_empty());
    }
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(told), Some(part)) if told == part => {}
            (Some(told), Some(part)) if told.starts_with('{') && !part.is_empty() => {}
            _ => return false,
        }
    }
}

/// An undocumented field is detected.
#[test]
#[should_panic(expected = "'more' was unexpected")]
fn undocumented_fields_are_found() {
    let schema = json!({"type": "object", "properties": {}, "additionalProperties": false});
    let responses = json!({"200": {"content": {"application/json": {"schema": schema}}}});
    let document = Documented(json!({
        "paths": {"/a": {"get": {"responses": responses}}}, "components": {},
    }));
    let media = Some("application/json");
    document.check(("GET", "/a"), 200, media, br#"{"more":1}"#);
}
