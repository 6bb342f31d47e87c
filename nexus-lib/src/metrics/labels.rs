use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;

/// The label for everything beyond the maximum number of series.
const OTHER: &str = "other";

/// A label set that can represent all others.
pub(super) trait Labels {
    /// The set for everything that has no series of its own.
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

/// Bounded by itself: the set of codes is fixed.
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
