/// The protocol that a request uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// OpenAI's own models.
    Chat,
    /// Other servers, which get reasoning, and every message as one text.
    ChatWithThoughts,
    Messages,
    Both,
}

impl Words {
    pub(super) fn in_chat(self) -> bool {
        self != Self::Messages
    }

    pub(super) fn in_messages(self) -> bool {
        matches!(self, Self::Messages | Self::Both)
    }

    pub(super) fn is_joined(self) -> bool {
        matches!(self, Self::ChatWithThoughts | Self::Both)
    }

    pub(super) fn model(self) -> &'static str {
        match self {
            Self::Chat => "gpt-5",
            Self::ChatWithThoughts => "deepseek-reasoner",
            Self::Messages | Self::Both => "claude-sonnet-4-6",
        }
    }
}
