use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use http::StatusCode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;

use super::families::Families;
use super::labels::{ModelLabels, RequestLabels, TokenLabels};
use crate::call::{Operation, Target};
use crate::store::RequestState;
use crate::wire::{ModelId, ProviderId};

/// How many targets are cached. When full the cache starts afresh, so models that come and go do
/// not fill memory.
const MAX_TARGETS: usize = 4096;

/// The series of each target, found once: later calls neither build nor compare labels.
#[derive(Default)]
pub(super) struct SeriesTable(RwLock<HashMap<(ProviderId, ModelId), Arc<Series>>>);

/// The counters of one target.
pub(super) struct Series {
    provider: Arc<str>,
    model: Arc<str>,
    pub(super) duration: Histogram,
    pub(super) first_event: Histogram,
    pub(super) prompt_tokens: Counter,
    pub(super) completion_tokens: Counter,
    pub(super) cached_tokens: Counter,
    pub(super) reasoning_tokens: Counter,
    /// Only a few: comparing each is faster than hashing.
    endings: RwLock<Vec<(Ending, Counter)>>,
}

/// The outcome of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) operation: Operation,
    pub(super) status: Option<u16>,
    pub(super) state: RequestState,
}

impl SeriesTable {
    /// The series of `target`.
    pub(super) fn of(&self, target: &Target, families: &Families) -> Arc<Series> {
        let key = (target.provider.id, target.model_id);
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(series) = known.get(&key).filter(|series| series.is_of(target)) {
            return Arc::clone(series);
        }
        drop(known);
        let series = Arc::new(Series::new(target, families));
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_TARGETS {
            known.clear();
        }
        known.insert(key, Arc::clone(&series));
        series
    }
}

impl Series {
    fn new(target: &Target, families: &Families) -> Self {
        let (provider, model) = (Arc::clone(&target.provider.name), Arc::clone(&target.model));
        let labels = ModelLabels {
            provider: Arc::clone(&provider),
            model: Arc::clone(&model),
        };
        let tokens = |kind| {
            families.tokens.series(&TokenLabels {
                provider: Arc::clone(&provider),
                model: Arc::clone(&model),
                kind,
            })
        };
        Self {
            duration: families.durations.series(&labels),
            first_event: families.first_events.series(&labels),
            prompt_tokens: tokens("prompt"),
            completion_tokens: tokens("completion"),
            cached_tokens: tokens("cached"),
            reasoning_tokens: tokens("reasoning"),
            endings: RwLock::default(),
            provider,
            model,
        }
    }

    /// Whether the names still match: a provider or a model may have been renamed.
    fn is_of(&self, target: &Target) -> bool {
        is_same(&self.provider, &target.provider.name) && is_same(&self.model, &target.model)
    }

    /// Counts a call with this outcome.
    pub(super) fn count(&self, ending: Ending, families: &Families) {
        let endings = self.endings.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, counter)) = endings.iter().find(|(known, _)| *known == ending) {
            counter.inc();
            return;
        }
        drop(endings);
        let counter = families.requests.series(&RequestLabels {
            provider: Arc::clone(&self.provider),
            model: Arc::clone(&self.model),
            operation: ending.operation.as_str(),
            status: match ending
                .status
                .and_then(|status| StatusCode::from_u16(status).ok())
            {
                Some(status) => status.as_str().into(),
                None => "none".into(),
            },
            state: ending.state.as_str(),
        });
        counter.inc();
        let mut endings = self.endings.write().unwrap_or_else(PoisonError::into_inner);
        endings.push((ending, counter));
    }
}

fn is_same(one: &Arc<str>, other: &Arc<str>) -> bool {
    Arc::ptr_eq(one, other) || one == other
}
