use crate::memory::Recent;

/// How a gateway translates requests and answers.
#[derive(Clone, Default)]
pub(crate) struct Manner {
    /// Nothing of a request may be dropped.
    pub(crate) is_strict: bool,
    /// What is remembered of answers.
    pub(crate) recent: Recent,
}
