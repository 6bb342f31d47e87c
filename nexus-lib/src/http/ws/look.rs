use serde::Deserialize;
use serde_json::value::RawValue;

/// The parts of an answer or chunk that are repeated in other frames.
#[derive(Deserialize, Default)]
pub(super) struct Look<'a> {
    #[serde(default)]
    pub(super) choices: Vec<Choice>,
    #[serde(borrow, default)]
    pub(super) usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct Choice {
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default, alias = "message")]
    delta: Option<Words>,
}

#[derive(Deserialize)]
struct Words {
    #[serde(default)]
    content: Option<String>,
}

impl<'a> Look<'a> {
    /// Empty for anything in another format, which passes anyway.
    pub(super) fn of(json: &'a [u8]) -> Self {
        serde_json::from_slice(json).unwrap_or_default()
    }

    pub(super) fn finish_reason(&self) -> Option<&str> {
        self.choices.first()?.finish_reason.as_deref()
    }

    pub(super) fn text(&self) -> &str {
        let first = self
            .choices
            .first()
            .and_then(|choice| choice.delta.as_ref());
        first
            .and_then(|words| words.content.as_deref())
            .unwrap_or_default()
    }
}
