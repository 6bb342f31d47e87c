use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;

/// What stands for everything that came when a family had as many series as it may.
const OTHER: &str = "other";

/// A label set that can stand for all others.
pub(super) trait Labels {
    /// The set that what has no series of its own is counted under.
    fn other(&self) -> Self;
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ProviderLabels {
    pub(super) provider: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ModelLabels {
    pub(super) provider: Arc<str>,
    pub(super) model: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TokenLabels {
    pub(super) provider: Arc<str>,
    pub(super) model: Arc<str>,
    pub(super) kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RequestLabels {
    pub(super) provider: Arc<str>,
    pub(super) model: Arc<str>,
    pub(super) operation: &'static str,
    pub(super) status: Arc<str>,
    pub(super) state: &'static str,
}

/// Bounded by itself: there are only so many codes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ReasonLabels {
    pub(super) reason: &'static str,
}

impl Labels for ProviderLabels {
    fn other(&self) -> Self {
        Self {
            provider: OTHER.into(),
        }
    }
}

impl Labels for ModelLabels {
    fn other(&self) -> Self {
        Self {
            provider: OTHER.into(),
            model: OTHER.into(),
        }
    }
}

impl Labels for TokenLabels {
    fn other(&self) -> Self {
        Self {
            provider: OTHER.into(),
            model: OTHER.into(),
            kind: self.kind,
        }
    }
}

impl Labels for RequestLabels {
    fn other(&self) -> Self {
        Self {
            provider: OTHER.into(),
            model: OTHER.into(),
            operation: OTHER,
            status: OTHER.into(),
            state: self.state,
        }
    }
}
