use std::sync::Arc;

/// The client's id of one of its chats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Label {
    /// As in the chat's frame.
    Named(Arc<str>),
    /// The single chat of the short form, which has no id.
    Short,
}

impl Label {
    /// The id, if there is one.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::Short => None,
        }
    }
}
