use std::sync::Arc;

/// What a client calls one of its chats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Label {
    /// As the chat's frame said.
    Named(Arc<str>),
    /// The one chat of the short form, which has no name.
    Short,
}

impl Label {
    /// The name, where there is one.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::Short => None,
        }
    }
}
