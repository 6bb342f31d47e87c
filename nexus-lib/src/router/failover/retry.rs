use std::time::Duration;

use super::verdict::Failure;

/// When the last candidate is retried after all have failed.
///
/// The wait doubles with each retry and varies at random between 50 % and 150 %, so that calls
/// which failed together do not return together. In addition, a provider's retries are limited to a
/// fifth of its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// The maximum number of retries of one call. Default: 2.
    pub most: u32,
    /// The average wait before the first retry; doubled for each further one. Default: 250 ms.
    pub first_wait: Duration,
    /// If a provider asks for a longer wait than this, it is not retried and the client gets the
    /// error. Default: 2 s.
    pub longest_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            most: 2,
            first_wait: Duration::from_millis(250),
            longest_wait: Duration::from_secs(2),
        }
    }
}

impl RetryPolicy {
    /// Sets [`most`](Self::most).
    #[must_use]
    pub const fn most(mut self, most: u32) -> Self {
        self.most = most;
        self
    }

    /// Sets [`first_wait`](Self::first_wait).
    #[must_use]
    pub const fn first_wait(mut self, first_wait: Duration) -> Self {
        self.first_wait = first_wait;
        self
    }

    /// Sets [`longest_wait`](Self::longest_wait).
    #[must_use]
    pub const fn longest_wait(mut self, longest_wait: Duration) -> Self {
        self.longest_wait = longest_wait;
        self
    }
}

impl RetryPolicy {
    /// No retries.
    pub const NONE: Self = Self {
        most: 0,
        first_wait: Duration::ZERO,
        longest_wait: Duration::ZERO,
    };

    /// How long to wait before retry number `retry`, from 0, after `failure`; `None` for no retry.
    pub(super) fn wait(&self, retry: u32, failure: Failure) -> Option<Duration> {
        if retry >= self.most || !failure.may_pass {
            return None;
        }
        match failure.retry_after {
            Some(asked) => Some(asked).filter(|asked| *asked <= self.longest_wait),
            None => {
                let doubled = self.first_wait * 2u32.pow(retry.min(16));
                Some(doubled.mul_f64(jitter()).min(self.longest_wait))
            }
        }
    }
}

/// From 0.5 to 1.5.
fn jitter() -> f64 {
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    0.5 + f64::from(random) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BROKEN: Failure = Failure {
        retry_after: None,
        may_pass: true,
    };

    #[test]
    fn waits_grow_and_end() {
        let policy = RetryPolicy::default();
        let millis = |retry| policy.wait(retry, BROKEN).map(|wait| wait.as_millis());
        assert!((125..=375).contains(&millis(0).unwrap()));
        assert!((250..=750).contains(&millis(1).unwrap()));
        assert_eq!(millis(2), None);
        assert_eq!(RetryPolicy::NONE.wait(0, BROKEN), None);
    }

    #[test]
    fn a_wait_that_is_asked_for_is_kept_or_left_to_the_client() {
        let asks = |seconds| Failure {
            retry_after: Some(Duration::from_secs(seconds)),
            ..BROKEN
        };
        let policy = RetryPolicy::default();
        assert_eq!(policy.wait(0, asks(2)), Some(Duration::from_secs(2)));
        assert_eq!(policy.wait(0, asks(3)), None);
        let lasting = Failure {
            may_pass: false,
            ..BROKEN
        };
        assert_eq!(policy.wait(0, lasting), None);
    }
}
