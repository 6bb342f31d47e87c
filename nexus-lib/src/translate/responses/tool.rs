//! Tools, as clients declare them.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::error::Result;
use crate::translate::exchange::custom_tool;
use crate::translate::reading::{Object, Path};
use crate::translate::{
    BuiltInTool, ClientTool, Json, Losses, Request, Tool, ToolChoice, ToolKind,
};

/// Adds tools to a request. If two have the same name, the last one counts.
///
/// | declaration | read as |
/// |---|---|
/// | `function` | a function |
/// | `namespace` | its tools, prefixed with its name |
/// | `custom` | a function with one string, `input` |
/// | the client's `local_shell`, `shell`, `apply_patch`, `tool_search` | a function |
/// | all others, which the provider runs | dropped, and reported |
#[derive(Default)]
pub(in crate::translate) struct Tools {
    tools: Vec<Tool>,
    /// The position of each, by its name.
    places: HashMap<String, usize>,
    /// The dropped ones, by name.
    hosted: Vec<(String, Json)>,
}

/// A group of tools.
#[derive(Clone, Copy)]
struct Namespace<'n> {
    name: &'n str,
    description: &'n str,
}

impl Tools {
    /// Adds the tools in the list `tools` of `object`.
    pub(super) fn add_all(&mut self, object: &Object<'_>, at: &Path<'_>) -> Result<()> {
        let tools = at.key("tools");
        for (index, json) in object.list("tools", at)?.into_iter().enumerate() {
            self.add(json, None, &tools.index(index))?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        json: &RawValue,
        namespace: Option<Namespace<'_>>,
        at: &Path<'_>,
    ) -> Result<()> {
        let tool = Object::of(json, at)?;
        let kind: String = tool.need("type", at)?;
        match kind.as_str() {
            "function" => {
                let client = ClientTool {
                    kind: ToolKind::Function,
                    name: tool.need("name", at)?,
                    namespace: namespace.map(|namespace| namespace.name.to_owned()),
                };
                self.push(
                    Tool {
                        name: client.flat_name(),
                        description: tool.get("description", at)?,
                        parameters: tool.json("parameters"),
                        strict: tool.get("strict", at)?,
                        cache: None,
                        client: namespace.is_some().then(|| Arc::new(client)),
                    },
                    namespace,
                );
            }
            "custom" => {
                let custom = custom_tool(
                    namespace.map(|namespace| namespace.name),
                    tool.need("name", at)?,
                    tool.get("description", at)?,
                    tool.json("format"),
                );
                self.push(custom, namespace);
            }
            "namespace" if namespace.is_none() => {
                let name: String = tool.need("name", at)?;
                let description: Option<String> = tool.get("description", at)?;
                let inner = Namespace {
                    name: &name,
                    description: description.as_deref().unwrap_or_default().trim(),
                };
                let tools = at.key("tools");
                for (index, json) in tool.list("tools", at)?.into_iter().enumerate() {
                    self.add(json, Some(inner), &tools.index(index))?;
                }
            }
            kind => match built_in(kind, &tool) {
                Some(tool) => self.push(tool, namespace),
                None => self.leave_out(kind, json),
            },
        }
        Ok(())
    }

    fn leave_out(&mut self, kind: &str, json: &RawValue) {
        self.hosted.push((format!("tools.{kind}"), Json::of(json)));
    }

    fn push(&mut self, mut tool: Tool, namespace: Option<Namespace<'_>>) {
        if let Some(Namespace { name, description }) = namespace
            && !description.is_empty()
        {
            let own = tool.description.take().unwrap_or_default();
            tool.description = Some(format!("{own}\n\n({name}: {description})"));
        }
        match self.places.get(&tool.name) {
            Some(at) => {
                if let Some(before) = self.tools.get_mut(*at) {
                    *before = tool;
                }
            }
            None => {
                self.places.insert(tool.name.clone(), self.tools.len());
                self.tools.push(tool);
            }
        }
    }

    /// Adds `later` ones.
    pub(super) fn merge(&mut self, later: Self) {
        for tool in later.tools {
            self.push(tool, None);
        }
        self.hosted.extend(later.hosted);
    }

    /// Moves them to `request`.
    pub(super) fn finish(self, request: &mut Request) {
        request.tools = self.tools;
        request.extra.extend(self.hosted);
    }

    /// Reads which of them has to be called.
    pub(super) fn choice(&self, body: &Object<'_>, at: &Path<'_>) -> Result<Option<ToolChoice>> {
        let at = at.key("tool_choice");
        let Some(json) = body.raw("tool_choice") else {
            return Ok(None);
        };
        let choice = match json.get() {
            r#""auto""# => ToolChoice::Auto,
            r#""none""# => ToolChoice::None,
            r#""required""# => ToolChoice::Required,
            text if text.starts_with('"') => {
                return Err(at.invalid("must be `auto`, `none`, `required` or name a function"));
            }
            _ => {
                let choice = Object::of(json, &at)?;
                let kind: String = choice.need("type", &at)?;
                match kind.as_str() {
                    "function" | "custom" => {
                        let name: String = choice.need("name", &at)?;
                        ToolChoice::Named(self.sent_name(name, choice.lenient("namespace")))
                    }
                    // Read once all tools are known.
                    "allowed_tools" => return Ok(None),
                    kind if self.places.contains_key(kind) => ToolChoice::Named(kind.to_owned()),
                    _ => return Err(Losses::refusal(&at.key("type").to_string())),
                }
            }
        };
        match (&choice, self.tools.is_empty(), self.hosted.first()) {
            // One of them must be called, and none exists.
            (ToolChoice::Required, true, Some((hosted, _))) => Err(Losses::refusal(hosted)),
            _ => Ok(Some(choice)),
        }
    }

    /// The name that the provider knows a tool by.
    fn sent_name(&self, name: String, namespace: Option<String>) -> String {
        let mut tools = self.tools.iter();
        let found = tools.find(|tool| {
            tool.client.as_ref().is_some_and(|client| {
                client.name == name && (namespace.is_none() || client.namespace == namespace)
            })
        });
        match found {
            Some(tool) if !self.places.contains_key(&name) => tool.name.clone(),
            _ => name,
        }
    }
}

/// Whether a request has tools, or items of tools, that only OpenAI's own Responses support.
pub(crate) fn has_client_tools(body: &[u8]) -> bool {
    const TOOLS: [&str; 5] = [
        "namespace",
        "custom",
        "local_shell",
        "apply_patch",
        "tool_search",
    ];
    let Ok(body) = Object::parse(body, &Path::Request) else {
        return false;
    };
    let tools = body.lenient::<Vec<Object<'_>>>("tools");
    let has_tools = tools.iter().flatten().any(|tool| {
        let kind: String = tool.lenient("type").unwrap_or_default();
        TOOLS.contains(&kind.as_str()) || tool.raw("external_web_access").is_some()
    });
    let is_list = |json: &&RawValue| json.get().starts_with('[');
    let input = body.raw("input").filter(is_list);
    let items = input.and_then(|json| serde_json::from_str::<Vec<Object<'_>>>(json.get()).ok());
    has_tools
        || items.iter().flatten().any(|item| {
            let kind: String = item.lenient("type").unwrap_or_default();
            let of_tool = TOOLS.iter().any(|tool| kind.starts_with(tool));
            of_tool
                || matches!(kind.as_str(), "additional_tools" | "agent_message")
                || item.raw("namespace").is_some()
        })
}

/// A tool that the client runs itself and that needs no declaration; `None` for others.
fn built_in(kind: &str, declared: &Object<'_>) -> Option<Tool> {
    let (tool, description, parameters) = match kind {
        "local_shell" => (
            BuiltInTool::LocalShell,
            "Runs a command on the user's machine and returns its output.",
            json!({
                "type": "object",
                "properties": {
                    "command": {
                        "type": "array", "items": {"type": "string"},
                        "description": "The program and its arguments.",
                    },
                    "working_directory": {"type": "string"},
                    "timeout_ms": {"type": "integer"},
                },
                "required": ["command"],
            }),
        ),
        "shell" if !is_hosted(declared) => (
            BuiltInTool::Shell,
            "Runs shell commands, one after the other, and returns their outputs.",
            json!({
                "type": "object",
                "properties": {
                    "commands": {"type": "array", "items": {"type": "string"}},
                    "timeout_ms": {"type": "integer"},
                    "max_output_length": {"type": "integer"},
                },
                "required": ["commands"],
            }),
        ),
        "apply_patch" => (
            BuiltInTool::ApplyPatch,
            "Creates, updates or deletes one file. `diff` is in the V4A format, without a head.",
            json!({
                "type": "object",
                "properties": {
                    "type": {"type": "string", "enum": ["create_file", "update_file", "delete_file"]},
                    "path": {"type": "string"},
                    "diff": {"type": "string"},
                },
                "required": ["type", "path"],
            }),
        ),
        "tool_search" if declared.lenient::<String>("execution").as_deref() == Some("client") => {
            (BuiltInTool::ToolSearch, "Finds more tools.", Value::Null)
        }
        _ => return None,
    };
    let client = ClientTool {
        kind: ToolKind::BuiltIn(tool),
        name: tool.name().to_owned(),
        namespace: None,
    };
    Some(Tool {
        name: client.flat_name(),
        description: declared
            .lenient("description")
            .or_else(|| Some(description.to_owned())),
        parameters: match parameters {
            Value::Null => declared.json("parameters"),
            parameters => Json::parse(parameters.to_string()),
        },
        client: Some(Arc::new(client)),
        ..Tool::default()
    })
}

/// Whether the provider runs the shell.
fn is_hosted(shell: &Object<'_>) -> bool {
    let environment = shell.lenient::<Object<'_>>("environment");
    let kind = environment.and_then(|environment| environment.lenient::<String>("type"));
    kind.is_some_and(|kind| kind.starts_with("container"))
}
