use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};

/// How many wrong tokens an address may send within [`WINDOW`].
const MAX_TOKENS: u32 = 20;
const WINDOW: Duration = Duration::from_secs(60);
/// How many addresses are remembered. The rest are counted together.
const MAX_ADDRESSES: usize = 4096;

/// Wrong admin tokens by client address.
///
/// An address that has sent too many is blocked for the rest of the minute, whatever it sends:
/// checking its tokens would let it continue guessing.
#[derive(Default)]
pub(super) struct Attempts(Mutex<HashMap<Source, Wrong>>);

/// An address; `None` if unknown, and for all addresses beyond the limit.
type Source = Option<IpAddr>;

struct Wrong {
    tokens: u32,
    since: Instant,
}

impl Attempts {
    /// Whether a token from `client` may be checked.
    ///
    /// # Errors
    /// [`ErrorKind::TooManyAttempts`].
    pub(super) fn check(&self, client: Option<IpAddr>, now: Instant) -> Result<()> {
        let known = self.known();
        let source = source(client);
        let wrong = known.get(&source).or_else(|| match known.len() {
            MAX_ADDRESSES.. => known.get(&None),
            _ => None,
        });
        let Some(wrong) = wrong.filter(|wrong| wrong.tokens >= MAX_TOKENS) else {
            return Ok(());
        };
        let passed = now.saturating_duration_since(wrong.since);
        match WINDOW.checked_sub(passed) {
            Some(left) if !left.is_zero() => Err(Error::new(
                ErrorKind::TooManyAttempts,
                "too many wrong admin tokens from this address; wait a minute",
            )
            .with_retry_after(left)),
            _ => Ok(()),
        }
    }

    /// Notes that `client` sent a wrong token.
    pub(super) fn failed(&self, client: Option<IpAddr>, now: Instant) {
        let mut known = self.known();
        let is_over = |wrong: &Wrong| now.saturating_duration_since(wrong.since) >= WINDOW;
        let mut source = source(client);
        if !known.contains_key(&source) && known.len() >= MAX_ADDRESSES {
            known.retain(|_, wrong| !is_over(wrong));
            if known.len() >= MAX_ADDRESSES {
                source = None;
            }
        }
        let fresh = || Wrong {
            tokens: 0,
            since: now,
        };
        let wrong = known.entry(source).or_insert_with(fresh);
        if is_over(wrong) {
            *wrong = fresh();
        }
        wrong.tokens = wrong.tokens.saturating_add(1);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Source, Wrong>> {
        // The data is consistent between statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One host often has a whole /64 network in IPv6.
fn source(client: Option<IpAddr>) -> Source {
    client.map(|address| match address.to_canonical() {
        IpAddr::V6(v6) => {
            let network = v6.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 => v4,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn too_many_wrong_tokens_are_too_many_for_a_minute() {
        let (attempts, start) = (Attempts::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let (guesser, other) = (address("192.0.2.1"), address("192.0.2.2"));
        for _ in 0..MAX_TOKENS {
            assert!(attempts.check(guesser, start).is_ok());
            attempts.failed(guesser, start);
        }
        let error = attempts.check(guesser, at(20)).unwrap_err();
        assert_eq!(error.status(), 429);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(40)));
        assert!(attempts.check(other, at(20)).is_ok());
        assert!(attempts.check(guesser, at(60)).is_ok());
        attempts.failed(guesser, at(60));
        assert!(attempts.check(guesser, at(60)).is_ok(), "counted afresh");
    }

    #[test]
    fn a_network_is_one_address_and_the_memory_is_bounded() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for host in 0..u64::from(MAX_TOKENS) {
            attempts.failed(address(&format!("2001:db8::{host:x}")), now);
        }
        assert!(attempts.check(address("2001:db8::ffff"), now).is_err());
        assert!(attempts.check(address("2001:db8:0:1::1"), now).is_ok());
        for network in 0..2 * MAX_ADDRESSES {
            attempts.failed(address(&format!("2001:db9:0:{network:x}::1")), now);
        }
        assert!(attempts.known().len() <= MAX_ADDRESSES + 1);
        // Addresses beyond the limit are limited together.
        assert!(attempts.check(address("198.51.100.1"), now).is_err());
    }
}
