//! Tool calls, one item each.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::item::sign;
use crate::error::Result;
use crate::translate::exchange::{flat_name, free_text};
use crate::translate::extra_content::signature;
use crate::translate::reading::{Object, Path};
use crate::translate::{BuiltInTool, ClientTool, ToolCall, ToolKind};

/// The call in an item of type `kind`; `None` for other items.
pub(super) fn read(kind: &str, item: &Object<'_>, at: &Path<'_>) -> Result<Option<ToolCall>> {
    let Some(kind) = kind_of(kind) else {
        return Ok(None);
    };
    if kind == ToolKind::BuiltIn(BuiltInTool::ToolSearch) && item.raw("call_id").is_none() {
        // The provider's own search.
        return Ok(None);
    }
    let arguments = match kind {
        ToolKind::Function => super::item::arguments(item),
        ToolKind::Custom { .. } => {
            free_text::wrap(&item.lenient::<String>("input").unwrap_or_default())
        }
        ToolKind::BuiltIn(tool) => match item.raw(member(tool)) {
            Some(json) if json.get().starts_with('{') => json.get().to_owned(),
            _ => item.lenient(member(tool)).unwrap_or_default(),
        },
    };
    // A client must name the call; a provider's call gets a generated id if needed.
    let id = match (&kind, at.is_request()) {
        (_, false) => super::item::call_id(item),
        (ToolKind::BuiltIn(_), true) => match item.lenient("call_id") {
            Some(id) => id,
            None => item.need("id", at)?,
        },
        (_, true) => item.need("call_id", at)?,
    };
    let (name, client) = names(kind, item, at)?;
    Ok(Some(ToolCall {
        id,
        name,
        arguments,
        signature: signature(item),
        client,
    }))
}

/// The kind of tool that an item of type `kind` calls, if any.
pub(super) fn kind_of(kind: &str) -> Option<ToolKind> {
    Some(match kind {
        "function_call" => ToolKind::Function,
        "custom_tool_call" => ToolKind::Custom { format: None },
        "local_shell_call" => ToolKind::BuiltIn(BuiltInTool::LocalShell),
        "shell_call" => ToolKind::BuiltIn(BuiltInTool::Shell),
        "apply_patch_call" => ToolKind::BuiltIn(BuiltInTool::ApplyPatch),
        "tool_search_call" => ToolKind::BuiltIn(BuiltInTool::ToolSearch),
        _ => return None,
    })
}

/// The tool that an item calls: by the provider's name, and as the client declared it if that
/// differs.
pub(super) fn names(
    kind: ToolKind,
    item: &Object<'_>,
    at: &Path<'_>,
) -> Result<(String, Option<Arc<ClientTool>>)> {
    let name = match kind {
        ToolKind::BuiltIn(tool) => tool.name().to_owned(),
        _ => item.need("name", at)?,
    };
    let namespace: Option<String> = item.lenient("namespace");
    let namespace = namespace.filter(|namespace| !namespace.is_empty());
    if kind == ToolKind::Function && namespace.is_none() {
        return Ok((name, None));
    }
    let flat = flat_name(namespace.as_deref(), &name);
    let client = ClientTool {
        kind,
        name,
        namespace,
    };
    Ok((flat, Some(Arc::new(client))))
}

/// The member with the arguments of the tool's calls.
fn member(tool: BuiltInTool) -> &'static str {
    match tool {
        BuiltInTool::LocalShell | BuiltInTool::Shell => "action",
        BuiltInTool::ApplyPatch => "operation",
        BuiltInTool::ToolSearch => "arguments",
    }
}

/// The prefix of a call's item id.
pub(super) fn prefix(client: Option<&ClientTool>) -> &'static str {
    match client.map(|client| &client.kind) {
        None | Some(ToolKind::Function) => "fc",
        Some(ToolKind::Custom { .. }) => "ctc",
        Some(ToolKind::BuiltIn(BuiltInTool::LocalShell)) => "lsh",
        Some(ToolKind::BuiltIn(BuiltInTool::Shell)) => "sh",
        Some(ToolKind::BuiltIn(BuiltInTool::ApplyPatch)) => "apc",
        Some(ToolKind::BuiltIn(BuiltInTool::ToolSearch)) => "tsc",
    }
}

/// The item for a call.
pub(super) fn write(id: &str, status: &str, call: &ToolCall) -> Value {
    let client = call.client.as_deref();
    let mut item = json!({"id": id, "type": "function_call", "status": status, "call_id": call.id});
    match client.map(|client| &client.kind) {
        None | Some(ToolKind::Function) => {
            item["name"] = client
                .map_or(&call.name, |client| &client.name)
                .as_str()
                .into();
            item["arguments"] = call.arguments.as_str().into();
        }
        Some(ToolKind::Custom { .. }) => {
            item["type"] = "custom_tool_call".into();
            item["name"] = client
                .map_or(&call.name, |client| &client.name)
                .as_str()
                .into();
            item["input"] = free_text::unwrap(&call.arguments).into();
        }
        Some(ToolKind::BuiltIn(tool)) => {
            item["type"] = format!("{}_call", tool.name()).into();
            item[member(*tool)] = built_in(*tool, &call.arguments);
            if *tool == BuiltInTool::ToolSearch {
                item["execution"] = "client".into();
            }
        }
    }
    if let Some(namespace) = client.and_then(|client| client.namespace.as_deref()) {
        item["namespace"] = namespace.into();
    }
    sign(&mut item, call.signature.as_deref());
    item
}

/// The arguments of a built-in tool, with the members that clients expect.
fn built_in(tool: BuiltInTool, arguments: &str) -> Value {
    let given: Map<String, Value> = serde_json::from_str(arguments).unwrap_or_default();
    let mut known = match tool {
        BuiltInTool::LocalShell => json!({
            "type": "exec", "command": command(&given), "env": {}, "timeout_ms": null,
            "user": null, "working_directory": null,
        }),
        BuiltInTool::Shell => {
            json!({"commands": [], "timeout_ms": null, "max_output_length": null})
        }
        BuiltInTool::ApplyPatch | BuiltInTool::ToolSearch => json!({}),
    };
    if let Some(members) = known.as_object_mut() {
        let is_read = |name: &str| tool == BuiltInTool::LocalShell && name == "command";
        members.extend(given.into_iter().filter(|(name, _)| !is_read(name)));
    }
    known
}

/// A command is a list; models that write a line mean a shell command.
fn command(given: &Map<String, Value>) -> Value {
    match given.get("command") {
        Some(Value::String(line)) => json!(["bash", "-lc", line]),
        Some(command) => command.clone(),
        None => json!([]),
    }
}
