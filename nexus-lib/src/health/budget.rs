use std::sync::atomic::{AtomicU32, Ordering};

/// What one request earns, in thousandths of a retry: one retry per five requests.
const EARNED: u32 = 200;

/// The maximum balance, which is also the initial one: ten retries.
const MAX: u32 = 10_000;

const PRICE: u32 = 1000;

/// Limits a provider's retries to a fifth of its requests, so that they cannot double the load on a
/// provider in trouble. Up to ten are kept in reserve, so that a quiet provider has some.
#[derive(Debug)]
pub struct RetryBudget {
    thousandths: AtomicU32,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self {
            thousandths: AtomicU32::new(MAX),
        }
    }
}

impl RetryBudget {
    /// Notes a request that was not a retry.
    pub(crate) fn earn(&self) {
        // Nearly always full, and then nothing is written.
        if self.thousandths.load(Ordering::Relaxed) < MAX {
            self.change(|present| Some((present + EARNED).min(MAX)));
        }
    }

    /// Pays for a retry. Returns false if the balance is too low.
    pub(crate) fn spend(&self) -> bool {
        self.change(|present| present.checked_sub(PRICE))
    }

    fn change(&self, change: impl FnMut(u32) -> Option<u32>) -> bool {
        let order = Ordering::Relaxed;
        self.thousandths.fetch_update(order, order, change).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_are_a_fifth_of_the_requests() {
        let budget = RetryBudget::default();
        let mut retries = 0;
        for _ in 0..1000 {
            budget.earn();
            retries += u32::from(budget.spend());
        }
        assert!((200..=210).contains(&retries), "{retries}");
    }

    #[test]
    fn what_is_saved_up_is_bounded() {
        let budget = RetryBudget::default();
        (0..10_000).for_each(|_| budget.earn());
        assert_eq!((0..100).filter(|_| budget.spend()).count(), 10);
    }
}
