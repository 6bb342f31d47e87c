use std::ops::Range;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::store::{LedgerRow, RequestState};
use crate::wire::{ProviderId, TimeRange, Timestamp};

/// Sums over the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Totals {
    /// How many conversations began: requests that name no conversation before them, and the first one
    /// of each name to be written. So the numbers of two ranges add up to that of both.
    pub total_conversations: u64,
    /// How many requests were completed.
    pub total_rounds: u64,
    /// How many requests were made, failed ones included.
    pub requests: u64,
    /// Their prompt tokens.
    pub prompt_tokens: u64,
    /// Their completion tokens.
    pub completion_tokens: u64,
    /// Their total tokens.
    pub total_tokens: u64,
    /// Their cached prompt tokens.
    pub cached_tokens: u64,
    /// Their reasoning tokens.
    pub reasoning_tokens: u64,
    /// The same for each provider, by id.
    pub by_provider: Vec<ProviderTotals>,
    /// The same for each model, by name.
    pub by_model: Vec<ModelTotals>,
}

/// One provider's part of [`Totals`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProviderTotals {
    /// The provider.
    pub provider_id: ProviderId,
    /// Its name, as its newest row has it.
    pub provider: String,
    /// How many requests.
    pub requests: u64,
    /// Their prompt tokens.
    pub prompt_tokens: u64,
    /// Their completion tokens.
    pub completion_tokens: u64,
    /// Their total tokens.
    pub total_tokens: u64,
}

/// One model's part of [`Totals`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ModelTotals {
    /// The name that clients use.
    pub model: String,
    /// How many requests.
    pub requests: u64,
    /// Their prompt tokens.
    pub prompt_tokens: u64,
    /// Their completion tokens.
    pub completion_tokens: u64,
    /// Their total tokens.
    pub total_tokens: u64,
}

/// One conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ConversationTotals {
    /// Its id.
    pub conversation_id: String,
    /// How many of its requests were completed.
    pub rounds: u64,
    /// Prompt tokens of all of its requests.
    pub prompt_tokens: u64,
    /// Completion tokens of all of its requests.
    pub completion_tokens: u64,
    /// Total tokens of all of its requests.
    pub total_tokens: u64,
    /// The same for each provider, by id.
    pub by_provider: Vec<ProviderTotals>,
    /// The same for each model, by name.
    pub by_model: Vec<ModelTotals>,
    /// Its rows, oldest first.
    pub requests: Vec<LedgerRow>,
}

/// Which rows are wanted; what is `None` does not narrow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestFilter {
    /// The model's name, as clients say it.
    pub model: Option<String>,
    /// The provider.
    pub provider_id: Option<ProviderId>,
    /// How far they have come.
    pub state: Option<RequestState>,
    /// When they began.
    pub range: TimeRange,
}

/// How long each step of a series is. All begin with UTC's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// 60 seconds.
    Minute,
    /// 3600 seconds.
    Hour,
    /// 86,400 seconds.
    Day,
}

impl Bucket {
    /// How many buckets a series has at most.
    pub const MOST: u32 = 10_000;

    /// Its length in seconds.
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => 86_400,
        }
    }

    /// How many a series has whose range does not say.
    const fn usual(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 48,
            Self::Day => 30,
        }
    }

    /// Where the bucket begins that has this moment; both in seconds since 1970.
    pub const fn start_of(self, seconds: i64) -> i64 {
        seconds.saturating_sub(seconds.rem_euclid(self.seconds()))
    }

    /// Where the buckets of a series begin, in seconds since 1970: every [`seconds`](Self::seconds) from
    /// the range's start. `range` is widened to whole buckets; where it has no end it ends `now`, and
    /// where it has no beginning it has the last 60 minutes, 48 hours or 30 days before its end.
    ///
    /// # Errors
    /// [`ErrorKind::Unprocessable`] for more than [`MOST`](Self::MOST) buckets.
    pub fn starts(self, range: TimeRange, now: Timestamp) -> Result<Range<i64>> {
        let to = range.to.unwrap_or(now);
        // The first bucket that begins at `to` or later.
        let last = to.as_micros().saturating_sub(1).div_euclid(1_000_000);
        let end = self.start_of(last).saturating_add(self.seconds());
        let start = match range.from {
            Some(from) => self.start_of(from.as_seconds()),
            None => end.saturating_sub(self.usual() * self.seconds()),
        };
        if range.from.is_some_and(|from| from >= to) {
            return Ok(start..start);
        }
        if (end - start) / self.seconds() > Self::MOST.into() {
            return Err(Error::new(
                ErrorKind::Unprocessable,
                "a series has at most 10,000 buckets; ask for longer buckets or a shorter range",
            )
            .with_param("bucket"));
        }
        Ok(start..end)
    }
}

impl FromStr for Bucket {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "minute" => Ok(Self::Minute),
            "hour" => Ok(Self::Hour),
            "day" => Ok(Self::Day),
            _ => Err(Error::new(
                ErrorKind::Unprocessable,
                "a bucket is one of minute, hour, day",
            )),
        }
    }
}

/// One step of a series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SeriesBucket {
    /// Where it begins.
    pub start: Timestamp,
    /// How many requests started in it, open ones included.
    pub requests: u64,
    /// How many of them failed or were interrupted.
    pub errors: u64,
    /// Their prompt tokens.
    pub prompt_tokens: u64,
    /// Their completion tokens.
    pub completion_tokens: u64,
}

impl SeriesBucket {
    /// A bucket without requests.
    pub const fn none(start: Timestamp) -> Self {
        Self {
            start,
            requests: 0,
            errors: 0,
            prompt_tokens: 0,
            completion_tokens: 0,
        }
    }
}
