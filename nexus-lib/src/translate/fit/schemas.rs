//! Schemas of arguments. Most providers require `"type": "object"`, and many clients leave it out.

use crate::translate::reading::{Object, Path};
use crate::translate::{Json, Request};

/// Adds the type. Empty schemas, which mean no arguments, are left to the writers.
pub(super) fn name_objects(request: &mut Request) {
    for tool in &mut request.tools {
        let named = tool.parameters.as_ref().and_then(named);
        if named.is_some() {
            tool.parameters = named;
        }
    }
}

/// `schema` with its type; `None` if it has one.
fn named(schema: &Json) -> Option<Json> {
    if schema.is_empty_object() {
        return None;
    }
    let object = Object::parse(schema.get().as_bytes(), &Path::Request).ok()?;
    let says_more = ["type", "$ref", "anyOf", "oneOf", "allOf"];
    if says_more.iter().any(|name| object.raw(name).is_some()) {
        return None;
    }
    let members = schema.get().trim_start().strip_prefix('{')?;
    Json::parse(format!(r#"{{"type":"object",{members}"#))
}
