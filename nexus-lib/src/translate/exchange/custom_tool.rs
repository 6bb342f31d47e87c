use std::sync::Arc;

use serde_json::{Value, json};

use super::free_text::INPUT;
use crate::translate::{ClientTool, Json, Tool, ToolKind};

/// The function that represents a tool with free text as input.
pub(crate) fn custom_tool(
    namespace: Option<&str>,
    name: String,
    description: Option<String>,
    format: Option<Json>,
) -> Tool {
    let mut texts: Vec<String> = description.into_iter().collect();
    texts.extend(format.as_ref().and_then(grammar));
    let parameters = json!({
        "type": "object",
        "properties": {INPUT: {"type": "string", "description": "The whole input, as free text."}},
        "required": [INPUT],
        "additionalProperties": false,
    });
    let client = ClientTool {
        kind: ToolKind::Custom { format },
        name,
        namespace: namespace.map(str::to_owned),
    };
    Tool {
        name: client.flat_name(),
        description: (!texts.is_empty()).then(|| texts.join("\n\n")),
        parameters: Json::parse(parameters.to_string()),
        client: Some(Arc::new(client)),
        ..Tool::default()
    }
}

/// Describes a grammar in words. Chat completions nest it one level deeper.
fn grammar(format: &Json) -> Option<String> {
    let format: Value = serde_json::from_str(format.get()).ok()?;
    let place = match &format["grammar"] {
        Value::Object(_) => &format["grammar"],
        _ => &format,
    };
    let definition = place["definition"].as_str()?;
    let syntax = place["syntax"].as_str().unwrap_or("lark");
    Some(format!(
        "`{INPUT}` must match this grammar ({syntax}):\n{definition}"
    ))
}

/// A grammar in the format of Responses.
pub(crate) fn flat_format(format: &Json) -> Option<Value> {
    let mut format: Value = serde_json::from_str(format.get()).ok()?;
    if let Value::Object(grammar) = format["grammar"].take() {
        let mut flat = json!({"type": "grammar"});
        if let Some(members) = flat.as_object_mut() {
            members.extend(grammar);
        }
        return Some(flat);
    }
    if let Some(members) = format.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    Some(format)
}
