use std::sync::{Mutex, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::wire::{ProviderId, Timestamp};

/// How many attempts of one call are kept: the first ones, and the last.
const MAX_TRIES: usize = 64;

/// The maximum length of an attempt's error, in bytes.
const MAX_ERROR_BYTES: usize = 300;

/// One request to a provider for a call, and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Try {
    /// The provider that was asked.
    pub provider_id: ProviderId,
    /// That provider's name at the time.
    pub provider: String,
    /// The HTTP status; `None` if the provider did not answer.
    pub status: Option<u16>,
    /// The error with its cause, without keys or addresses; `None` if there was none.
    pub error: Option<String>,
    /// When the request started.
    pub started_at: Timestamp,
    /// The time until the failure, or the end of the answer, in milliseconds.
    pub duration_ms: u64,
}

impl Try {
    /// A request to a provider that started at `started_at`, without an outcome.
    pub fn new(
        provider_id: ProviderId,
        provider: impl Into<String>,
        started_at: Timestamp,
    ) -> Self {
        Self {
            provider_id,
            provider: provider.into(),
            status: None,
            error: None,
            started_at,
            duration_ms: 0,
        }
    }
}

/// The finished attempts of one call. Empty, and without an allocation, as long as nothing fails.
#[derive(Debug, Default)]
pub(super) struct Tried(Mutex<Tries>);

/// The content of [`Tried`].
#[derive(Debug, Default)]
pub(crate) struct Tries {
    /// At most [`MAX_TRIES`].
    pub(crate) kept: Vec<Try>,
    /// How many there were.
    pub(crate) count: u32,
}

impl Tries {
    /// Adds the next attempt. If there are too many, it replaces the last one.
    pub(crate) fn push(&mut self, mut next: Try) {
        if let Some(error) = &mut next.error {
            let mut end = error.len().min(MAX_ERROR_BYTES);
            while !error.is_char_boundary(end) {
                end -= 1;
            }
            error.truncate(end);
        }
        if self.kept.len() == MAX_TRIES {
            self.kept.pop();
        }
        self.kept.push(next);
        self.count = self.count.saturating_add(1);
    }
}

impl Tried {
    pub(super) fn push(&self, next: Try) {
        // No code panics while it holds the lock, and the data is consistent between statements.
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tries.push(next);
    }

    /// Takes the attempts so far.
    pub(super) fn take(&self) -> Tries {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_and_their_words_are_bounded_and_the_last_is_kept() {
        let mut tries = Tries::default();
        for number in 0..1000 {
            tries.push(Try {
                provider_id: ProviderId(number),
                provider: "p".into(),
                status: None,
                error: Some("错".repeat(200)),
                started_at: Timestamp::from_micros(number),
                duration_ms: 1,
            });
        }
        assert_eq!((tries.kept.len(), tries.count), (MAX_TRIES, 1000));
        let ids: Vec<_> = tries.kept.iter().map(|one| one.provider_id.0).collect();
        assert_eq!((ids[0], ids[62], ids[63]), (0, 62, 999));
        let longest = tries.kept.iter().filter_map(|one| one.error.as_ref());
        assert!(longest.map(String::len).max() <= Some(MAX_ERROR_BYTES));
    }
}
