use std::sync::Arc;

use crate::call::Target;

/// Orders candidates of equal priority by open requests relative to weight, the fewest first; ties
/// are ordered at random by weight. The first one gets the request, the others stand by.
///
/// So requests are spread by weight, one by one as well as in parallel, but slower providers get
/// fewer. Without equals nothing is drawn and nothing is copied.
pub(super) fn spread(candidates: &Arc<[Target]>) -> Arc<[Target]> {
    let equal = |a: &Target, b: &Target| a.provider.priority == b.provider.priority;
    if !candidates.windows(2).any(|pair| equal(&pair[0], &pair[1])) {
        return Arc::clone(candidates);
    }
    let mut drawn = candidates.to_vec();
    for equals in drawn.chunk_by_mut(equal) {
        draw(equals, random);
        // Read each figure once: they change during the sort.
        equals.sort_by_cached_key(|target| {
            let open = u64::from(target.provider.vitals.load.open());
            // By weight, in steps that are fine enough for the largest weights.
            open.saturating_mul(1_000_000) / weight(target).max(1)
        });
    }
    drawn.into()
}

/// Draws without replacement: each next one with a probability proportional to its weight among
/// those left.
fn draw(targets: &mut [Target], mut random: impl FnMut() -> u64) {
    for first in 0..targets.len().saturating_sub(1) {
        let left = &targets[first..];
        let sum: u64 = left.iter().map(weight).sum();
        let mut ticket = random() % sum.max(1);
        let winner = left.iter().position(|target| {
            let wins = ticket < weight(target);
            ticket = ticket.saturating_sub(weight(target));
            wins
        });
        targets.swap(first, first + winner.unwrap_or(0));
    }
}

fn weight(target: &Target) -> u64 {
    u64::from(target.provider.weight)
}

/// Without randomness the first of equals gets all: a worse spread, but no reason to reject a
/// request.
fn random() -> u64 {
    getrandom::u64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use secrecy::SecretString;

    use super::*;
    use crate::call::ProviderProfile;
    use crate::wire::{BaseUrl, ModelId, ProviderId, ProviderLimits, Timestamp};

    fn target(id: i64, priority: i32, weight: u32) -> Target {
        let provider = ProviderProfile {
            id: ProviderId(id),
            name: "p".into(),
            name_header: HeaderValue::from_static("p"),
            kind: "openai".into(),
            base_url: BaseUrl::parse("http://h").unwrap(),
            server_key: SecretString::default(),
            bearer: None,
            priority,
            weight,
            limits: ProviderLimits::default(),
            protocols: None,
            vitals: Arc::default(),
            endpoints: crate::call::Endpoints::default(),
            key_finder: crate::call::KeyFinder::default(),
        };
        Target {
            provider: Arc::new(provider),
            model_id: ModelId(id),
            model: "m".into(),
            upstream_model: None,
            is_slow: false,
            proxies: None,
            created_at: Timestamp::now(),
        }
    }

    fn ids(targets: &[Target]) -> Vec<i64> {
        targets.iter().map(|target| target.provider.id.0).collect()
    }

    #[test]
    fn each_ticket_belongs_to_one_by_weight() {
        let order = |ticket| {
            let mut targets = [target(1, 0, 1), target(2, 0, 3), target(3, 0, 1)];
            let mut tickets = [ticket, 0].into_iter();
            draw(&mut targets, || tickets.next().unwrap());
            ids(&targets)
        };
        assert_eq!(order(0), [1, 2, 3]);
        for ticket in [1, 2, 3] {
            assert_eq!(order(ticket), [2, 1, 3]);
        }
        assert_eq!(order(4), [3, 2, 1]);
        assert_eq!(order(5), [1, 2, 3]);
    }

    #[test]
    fn priorities_stay_in_order() {
        let candidates: Arc<[Target]> = [
            target(1, 0, 1),
            target(2, 1, 1),
            target(3, 1, 9),
            target(4, 2, 1),
        ]
        .into();
        for _ in 0..50 {
            let drawn = ids(&spread(&candidates));
            assert_eq!((drawn[0], drawn[3]), (1, 4));
            assert_eq!(drawn[1] + drawn[2], 5);
        }
    }

    #[test]
    fn among_equals_the_one_with_fewer_open_requests_comes_first() {
        let [light, heavy] = [target(1, 0, 1), target(2, 0, 3)];
        for (light_open, heavy_open, first) in [(0, 1, 1), (1, 2, 2), (1, 4, 1), (2, 5, 2)] {
            let [one, other] = [light.clone(), heavy.clone()];
            let load = |target: &Target, open| {
                let load = &target.provider.vitals.load;
                (0..load.open()).for_each(|_| load.leave());
                (0..open).for_each(|_| assert!(load.enter(None)));
            };
            load(&one, light_open);
            load(&other, heavy_open);
            let candidates: Arc<[Target]> = [one, other].into();
            for _ in 0..20 {
                assert_eq!(ids(&spread(&candidates))[0], first);
            }
        }
    }

    #[test]
    fn without_equals_nothing_is_copied() {
        let candidates: Arc<[Target]> = [target(1, 0, 1), target(2, 1, 1)].into();
        assert!(Arc::ptr_eq(&candidates, &spread(&candidates)));
    }

    #[test]
    fn weights_of_zero_are_no_harm() {
        let mut targets = [target(1, 0, 0), target(2, 0, 0)];
        draw(&mut targets, || 7);
        assert_eq!(ids(&targets), [1, 2]);
    }
}
