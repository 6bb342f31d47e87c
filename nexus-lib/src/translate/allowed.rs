//! `tool_choice` of `allowed_tools`: only some of the tools may be called, so only these are sent.

use super::reading::{Object, Path};
use super::{Request, ToolChoice};
use crate::error::Result;

/// Reads what `choice`, of that type, allows, and removes all other tools from `request`.
///
/// Chat nests these fields one level deeper, and puts a function's name into `function`.
///
/// # Errors
/// `InvalidRequest` naming the parameter at fault.
pub(super) fn read(choice: &Object<'_>, at: &Path<'_>, request: &mut Request) -> Result<()> {
    if let Some(inner) = choice.object("allowed_tools", at)? {
        return read(&inner, &at.key("allowed_tools"), request);
    }
    let mode: Option<String> = choice.get("mode", at)?;
    let tools_at = at.key("tools");
    let mut names = std::collections::HashSet::new();
    for (index, json) in choice.list("tools", at)?.into_iter().enumerate() {
        let at = tools_at.index(index);
        let tool = Object::of(json, &at)?;
        let name: Option<String> = match tool.object("function", &at)? {
            Some(function) => function.get("name", &at.key("function"))?,
            None => tool.get("name", &at)?,
        };
        // Some have no name except their type.
        let name = name.or_else(|| tool.lenient("type"));
        names.extend(name);
    }
    request.tools.retain(|tool| {
        let client = tool.client.as_ref();
        names.contains(&tool.name) || client.is_some_and(|client| names.contains(&client.name))
    });
    request.tool_choice = Some(match mode.as_deref() {
        None | Some("auto") => ToolChoice::Auto,
        Some("required") => ToolChoice::Required,
        Some(_) => return Err(at.key("mode").invalid("must be `auto` or `required`")),
    });
    Ok(())
}
