use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::wire::{ProxyList, ProxyUrl};

/// How long a proxy counts as in use after its last request.
const IN_USE: Duration = Duration::from_secs(3600);

/// In which rounds those that are up are checked too.
const SLOW_ROUNDS: u64 = 4;

/// The state of the proxies in use. A proxy in several lists has one state.
#[derive(Default)]
pub(super) struct Standings {
    by_proxy: HashMap<ProxyUrl, Standing>,
    rounds: u64,
}

struct Standing {
    down_since: Option<Instant>,
    asked_for: Instant,
}

impl Standings {
    /// The proxies in the order in which to try them: those that are down come last. They are in
    /// use from now on.
    pub(super) fn in_turn<'a>(&mut self, list: &'a ProxyList, now: Instant) -> Vec<&'a ProxyUrl> {
        let (mut up, mut down) = (Vec::new(), Vec::new());
        for proxy in list.iter() {
            match self.ask_for(proxy, now).down_since {
                None => up.push(proxy),
                Some(_) => down.push(proxy),
            }
        }
        up.append(&mut down);
        up
    }

    /// Notes the result of a dial or a check. Returns since when the proxy was down, if its state
    /// changes.
    pub(super) fn note(&mut self, proxy: &ProxyUrl, is_up: bool, now: Instant) -> Option<Instant> {
        let standing = self.by_proxy.get_mut(proxy)?;
        match (is_up, standing.down_since) {
            (true, Some(_)) => standing.down_since.take(),
            (false, None) => {
                standing.down_since = Some(now);
                standing.down_since
            }
            _ => None,
        }
    }

    /// Removes those that are not in use any more, and begins a round of checks: returns the
    /// proxies to check.
    pub(super) fn begin_round(&mut self, now: Instant) -> Vec<ProxyUrl> {
        self.by_proxy
            .retain(|_, standing| now.duration_since(standing.asked_for) < IN_USE);
        self.rounds += 1;
        let is_slow = self.rounds.is_multiple_of(SLOW_ROUNDS);
        let due = self.by_proxy.iter();
        due.filter(|(_, standing)| is_slow || standing.down_since.is_some())
            .map(|(proxy, _)| proxy.clone())
            .collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_proxy.is_empty()
    }

    fn ask_for(&mut self, proxy: &ProxyUrl, now: Instant) -> &Standing {
        let standing = self.by_proxy.entry(proxy.clone()).or_insert(Standing {
            down_since: None,
            asked_for: now,
        });
        standing.asked_for = now;
        standing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(proxies: &[&ProxyUrl]) -> Vec<String> {
        proxies
            .iter()
            .map(|proxy| proxy.host().to_owned())
            .collect()
    }

    #[test]
    fn those_that_are_up_come_first_in_the_order_given() {
        let mut standings = Standings::default();
        let list = ProxyList::parse("http://a,http://b,http://c").unwrap();
        let now = Instant::now();
        let proxies = standings.in_turn(&list, now);
        assert_eq!(names(&proxies), ["a", "b", "c"]);
        let later = now + Duration::from_secs(1);
        assert_eq!(standings.note(proxies[0], false, now), Some(now));
        assert_eq!(standings.note(proxies[0], false, later), None);
        assert_eq!(standings.note(proxies[1], false, later), Some(later));
        assert_eq!(names(&standings.in_turn(&list, now)), ["c", "a", "b"]);
        assert_eq!(standings.note(proxies[0], true, later), Some(now));
        assert_eq!(standings.note(proxies[0], true, later), None);
        assert_eq!(names(&standings.in_turn(&list, now)), ["a", "c", "b"]);
        // The same proxy in another list is also down; with other credentials it is a different
        // one.
        let other = ProxyList::parse("http://b,http://u:p@b,http://d").unwrap();
        let proxies = standings.in_turn(&other, now);
        let shown: Vec<_> = proxies.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["http://u:***@b:80", "http://d:80", "http://b:80"]);
    }

    #[test]
    fn rounds_check_those_that_are_down_and_each_fourth_all_until_they_are_out_of_use() {
        let mut standings = Standings::default();
        let list = ProxyList::parse("http://a,http://b").unwrap();
        let now = Instant::now();
        let proxies = standings.in_turn(&list, now);
        standings.note(proxies[1], false, now);
        let rounds: Vec<_> = (0..8).map(|_| standings.begin_round(now).len()).collect();
        assert_eq!(rounds, [1, 1, 1, 2, 1, 1, 1, 2]);

        let used = ProxyList::parse("http://b").unwrap();
        standings.in_turn(&used, now + IN_USE / 2);
        assert_eq!(standings.begin_round(now + IN_USE).len(), 1);
        assert!(!standings.is_empty());
        assert!(standings.begin_round(now + IN_USE * 2).is_empty());
        assert!(standings.is_empty());
    }
}
