//! Schemas for answers and strict arguments, in the subset of JSON Schema that Anthropic accepts.
//!
//! Its own SDKs transform schemas in the same way before sending them: every object is closed, and
//! constraints that cannot be enforced become part of the description. Source: Anthropic's guide to
//! structured outputs ("How SDK transformation works").

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::translate::Json;

/// String formats that are enforced.
const FORMATS: [&str; 10] = [
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "uri",
    "ipv4",
    "ipv6",
    "uuid",
];

/// Members that are kept unchanged, in addition to those handled below.
const KEPT: [&str; 7] = [
    "type",
    "enum",
    "const",
    "default",
    "title",
    "required",
    "description",
];

/// `schema` with all objects closed. An unreadable schema passes unchanged, for the provider to
/// validate.
pub(super) fn closed(schema: &Json) -> Cow<'_, Json> {
    let Ok(value) = serde_json::from_str::<Value>(schema.get()) else {
        return Cow::Borrowed(schema);
    };
    let closed = close(value.clone());
    match Json::parse(closed.to_string()) {
        Some(text) if closed != value => Cow::Owned(text),
        _ => Cow::Borrowed(schema),
    }
}

/// As deep as the parser allows values to nest.
fn close(schema: Value) -> Value {
    let Value::Object(schema) = schema else {
        return schema;
    };
    // Nothing else is allowed next to a reference.
    if let Some(reference) = schema.get("$ref") {
        let mut closed = Map::new();
        closed.insert("$ref".to_owned(), reference.clone());
        copy_definitions(&schema, &mut closed);
        return closed.into();
    }
    let is_object = is_object(&schema);
    let mut closed = Map::new();
    let mut unsupported = Vec::new();
    for (name, value) in schema {
        match (name.as_str(), value) {
            ("$schema" | "$id" | "$comment" | "additionalProperties", _) => {}
            ("$defs" | "definitions" | "properties", Value::Object(members)) => {
                let members = members
                    .into_iter()
                    .map(|(name, value)| (name, close(value)));
                closed.insert(name, members.collect::<Map<_, _>>().into());
            }
            ("anyOf" | "oneOf", Value::Array(options)) => {
                let options: Vec<Value> = options.into_iter().map(close).collect();
                closed.insert("anyOf".to_owned(), options.into());
            }
            ("allOf", Value::Array(parts)) => {
                closed.insert(
                    name,
                    parts.into_iter().map(close).collect::<Vec<_>>().into(),
                );
            }
            ("items", items @ Value::Object(_)) => {
                closed.insert(name, close(items));
            }
            ("minItems", least) if matches!(least.as_u64(), Some(0 | 1)) => {
                closed.insert(name, least);
            }
            ("format", Value::String(format)) if FORMATS.contains(&format.as_str()) => {
                closed.insert(name, format.into());
            }
            (kept, value) if KEPT.contains(&kept) => {
                closed.insert(name, value);
            }
            (_, value) => unsupported.push(format!("{name}: {value}")),
        }
    }
    if is_object {
        closed
            .entry("properties")
            .or_insert_with(|| Map::new().into());
        closed.insert("additionalProperties".to_owned(), false.into());
    }
    if !unsupported.is_empty() {
        let unsupported = format!("{{{}}}", unsupported.join(", "));
        let described = closed.get("description").and_then(Value::as_str);
        let description = match described {
            Some(description) => format!("{description}\n\n{unsupported}"),
            None => unsupported,
        };
        closed.insert("description".to_owned(), description.into());
    }
    closed.into()
}

fn copy_definitions(schema: &Map<String, Value>, closed: &mut Map<String, Value>) {
    for name in ["$defs", "definitions"] {
        if let Some(Value::Object(definitions)) = schema.get(name) {
            let definitions = definitions.iter();
            let definitions = definitions.map(|(name, value)| (name.clone(), close(value.clone())));
            closed.insert(name.to_owned(), definitions.collect::<Map<_, _>>().into());
        }
    }
}

fn is_object(schema: &Map<String, Value>) -> bool {
    match schema.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        _ => schema.contains_key("properties"),
    }
}
