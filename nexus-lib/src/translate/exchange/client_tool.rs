use crate::translate::Json;

/// A tool as its client declared it, if that is more than a function's name.
///
/// Providers see it as a function with the name of the [`Tool`](super::Tool). Calls of it are
/// returned to the client in the client's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientTool {
    /// The kind that the client declared.
    pub kind: ToolKind,
    /// Its name there.
    pub name: String,
    /// The group of tools that it belongs to.
    pub namespace: Option<String>,
}

/// How a client declares a tool, and how calls of it are written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolKind {
    /// A function: its arguments are JSON.
    Function,
    /// A tool whose input is free text. Providers see it as a function with one string, `input`.
    Custom {
        /// The texts that it accepts, as the client wrote it.
        format: Option<Json>,
    },
    /// A tool that Responses define without a declaration.
    BuiltIn(BuiltInTool),
}

/// A tool that a client runs itself, and whose arguments the provider is expected to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuiltInTool {
    /// Runs a command.
    LocalShell,
    /// Runs several commands.
    Shell,
    /// Creates, changes and deletes files.
    ApplyPatch,
    /// Finds more tools.
    ToolSearch,
}

impl BuiltInTool {
    /// The type that declares it, which is also its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LocalShell => "local_shell",
            Self::Shell => "shell",
            Self::ApplyPatch => "apply_patch",
            Self::ToolSearch => "tool_search",
        }
    }
}

impl ClientTool {
    /// The name that providers see: with its namespace in front, in characters that all of them
    /// accept.
    pub fn flat_name(&self) -> String {
        flat_name(self.namespace.as_deref(), &self.name)
    }

    /// Whether its input is free text.
    pub fn is_custom(&self) -> bool {
        matches!(self.kind, ToolKind::Custom { .. })
    }
}

/// The maximum length of a name that every provider accepts.
const MAX_NAME_BYTES: usize = 64;

/// How many hexadecimal digits make shortened names distinct.
const DIGITS: usize = 8;

/// The unique name of a tool in a namespace. It depends on nothing else, so calls in a history and
/// calls in an answer get the same one.
pub(crate) fn flat_name(namespace: Option<&str>, name: &str) -> String {
    let Some(namespace) = namespace.filter(|namespace| !namespace.is_empty()) else {
        return name.to_owned();
    };
    let glue = match namespace.ends_with("__") {
        true => "",
        false => "__",
    };
    let whole = [namespace, glue, name].concat();
    let is_taken = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if whole.len() <= MAX_NAME_BYTES && whole.chars().all(is_taken) {
        return whole;
    }
    let hash = xxhash_rust::xxh3::xxh3_64(whole.as_bytes());
    let letters = whole
        .chars()
        .map(|letter| if is_taken(letter) { letter } else { '_' });
    let mut short: String = letters.take(MAX_NAME_BYTES - DIGITS - 1).collect();
    short.push('_');
    short.push_str(&format!("{hash:016x}")[..DIGITS]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_names_are_short_valid_and_distinct() {
        assert_eq!(flat_name(None, "exec"), "exec");
        assert_eq!(flat_name(Some(""), "exec"), "exec");
        assert_eq!(flat_name(Some("functions"), "exec"), "functions__exec");
        assert_eq!(flat_name(Some("mcp__git__"), "log"), "mcp__git__log");
        let long = "n".repeat(80);
        let names = [
            flat_name(Some("a.b"), "c"),
            flat_name(Some("a/b"), "c"),
            flat_name(Some(&long), "one"),
            flat_name(Some(&long), "two"),
            flat_name(Some("命名"), "空"),
        ];
        for (at, name) in names.iter().enumerate() {
            assert!(name.len() <= 64, "{name}");
            assert!(!names[..at].contains(name), "{name}");
            let mut letters = name.bytes();
            assert!(
                letters.all(|letter| letter.is_ascii_alphanumeric() || letter == b'_'),
                "{name}"
            );
        }
    }
}
