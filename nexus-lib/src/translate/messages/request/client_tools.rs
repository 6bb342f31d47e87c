//! Anthropic's tools that the client runs. Their schemas are published, so any model can use them.
//!
//! Source: Anthropic's guides to the bash, text editor, memory and computer use tools.

use serde_json::{Value, json};

use crate::error::Result;
use crate::translate::reading::{Object, Path};
use crate::translate::{Json, Tool};

/// The tool of that `kind`, such as `bash_20250124`; `None` if Anthropic runs it, or it is unknown.
pub(super) fn of(tool: &Object<'_>, kind: &str, at: &Path<'_>) -> Result<Option<Tool>> {
    let family = kind.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let (description, parameters) = match family {
        "bash_" => (
            "Runs a command in a bash shell that persists between calls.".to_owned(),
            bash(),
        ),
        "text_editor_" => (
            "Views, creates and edits text files. The text that `str_replace` replaces must occur \
             exactly once."
                .to_owned(),
            text_editor(kind),
        ),
        "memory_" => (
            "Reads and writes files below `/memories`, which persist across conversations."
                .to_owned(),
            memory(),
        ),
        "computer_" => {
            let size = |name| tool.lenient::<u64>(name).unwrap_or_default();
            let (width, height) = (size("display_width_px"), size("display_height_px"));
            let description = format!(
                "Uses the screen, the keyboard and the mouse of a computer. The screen has \
                 {width} by \
                 {height} pixels; coordinates start at its upper left corner."
            );
            (description, computer())
        }
        _ => return Ok(None),
    };
    Ok(Some(Tool {
        name: tool.need("name", at)?,
        description: Some(description),
        parameters: Json::parse(parameters.to_string()),
        cache: tool.json("cache_control"),
        ..Tool::default()
    }))
}

fn text(about: &str) -> Value {
    json!({"type": "string", "description": about})
}

fn bash() -> Value {
    json!({
        "type": "object",
        "properties": {
            "command": text("The command to run. Required unless `restart` is true."),
            "restart": {"type": "boolean", "description": "Whether to restart the shell."},
        },
    })
}

/// The common fields of editing tools.
fn editing(commands: &[&str]) -> Value {
    json!({
        "command": {"type": "string", "enum": commands, "description": "The action to perform."},
        "path": text("The path of the file or folder."),
        "view_range": {
            "type": "array", "items": {"type": "integer"},
            "description": "For `view` of a file: its first and last line, from 1; -1 is the end.",
        },
        "file_text": text("For `create`: the content of the file."),
        "old_str": text("For `str_replace`: the text to replace, exactly as in the file."),
        "new_str": text("For `str_replace`: the replacement."),
        "insert_line": {
            "type": "integer", "description": "For `insert`: the line after which to insert; 0 is \
             the top.",
        },
        "insert_text": text("For `insert`: the text."),
    })
}

fn text_editor(kind: &str) -> Value {
    // Those for Claude 3 could undo, and called inserted text `new_str`.
    let is_old = matches!(kind, "text_editor_20241022" | "text_editor_20250124");
    let commands: &[&str] = match is_old {
        true => &["view", "create", "str_replace", "insert", "undo_edit"],
        false => &["view", "create", "str_replace", "insert"],
    };
    let mut properties = editing(commands);
    if let (true, Some(fields)) = (is_old, properties.as_object_mut()) {
        fields.remove("insert_text");
        let about = "For `str_replace`: the replacement. For `insert`: the text.";
        fields.insert("new_str".to_owned(), text(about));
    }
    json!({"type": "object", "properties": properties, "required": ["command", "path"]})
}

fn memory() -> Value {
    let mut properties = editing(&[
        "view",
        "create",
        "str_replace",
        "insert",
        "delete",
        "rename",
    ]);
    if let Some(fields) = properties.as_object_mut() {
        fields.insert(
            "old_path".to_owned(),
            text("For `rename`: the current name."),
        );
        fields.insert("new_path".to_owned(), text("For `rename`: the new name."));
    }
    json!({"type": "object", "properties": properties, "required": ["command"]})
}

fn computer() -> Value {
    let point = |about: &str| {
        json!({
            "type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2,
            "description": about,
        })
    };
    json!({
        "type": "object",
        "properties": {
            "action": {
                "type": "string",
                "enum": [
                    "key", "type", "mouse_move", "left_click", "left_click_drag", "right_click",
                    "middle_click", "double_click", "triple_click", "left_mouse_down",
                    "left_mouse_up", "scroll", "hold_key", "wait", "screenshot", "cursor_position",
                    "zoom",
                ],
            },
            "coordinate": point("Where: x and y."),
            "start_coordinate": point("For `left_click_drag`: the start."),
            "region": {"type": "array", "items": {"type": "integer"}, "description": "For `zoom`: two corners."},
            "text": text("For `type` the text, for `key` and `hold_key` the keys, such as `ctrl+s`."),
            "scroll_direction": {"type": "string", "enum": ["up", "down", "left", "right"]},
            "scroll_amount": {"type": "integer"},
            "duration": {"type": "number", "description": "For `wait` and `hold_key`: seconds."},
        },
        "required": ["action"],
    })
}
