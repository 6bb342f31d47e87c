use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::segment::{Reply, Segment};
use crate::conversation::MEMORY;
use crate::wire::{ConversationId, ConversationMark, Timestamp};

/// Replies in the order in which they came, indexed by mark.
///
/// There is one for every request of half an hour, and many more are added than looked up. In one
/// large table each would cost a cache miss; so they are in segments, of which only the last one is
/// extended, and all are searched.
pub(super) struct Known {
    segments: VecDeque<Segment>,
    /// The size of all segments except the last.
    sealed_bytes: usize,
    /// The maximum number of replies per segment, and of segments.
    most: (usize, usize),
    /// Unknown to clients, so that none can choose marks that are slow to compare.
    seed: u64,
}

impl Known {
    /// With at most `most.1` segments of at most `most.0` replies each.
    pub(super) fn new(most: (usize, usize)) -> Self {
        Self {
            segments: VecDeque::new(),
            sealed_bytes: 0,
            most,
            seed: RandomState::new().hash_one(0),
        }
    }

    /// The conversation that continues from `mark`.
    pub(super) fn go_on(
        &mut self,
        mark: ConversationMark,
        now: Timestamp,
    ) -> Option<ConversationId> {
        let mark = hash(mark, self.seed);
        let now = seconds(now);
        let mut found = None;
        for (place, segment) in self.segments.iter_mut().enumerate() {
            let Some((number, is_untouched)) = segment.find(mark, |at| is_old(at, now)) else {
                continue;
            };
            found = Some((place, number));
            // The oldest one that was not continued, otherwise the latest.
            if is_untouched {
                break;
            }
        }
        let (place, number) = found?;
        self.segments.get_mut(place)?.go_on(number)
    }

    pub(super) fn add(
        &mut self,
        mark: ConversationMark,
        conversation: ConversationId,
        now: Timestamp,
    ) {
        let at = seconds(now);
        self.make_room(at);
        let reply = Reply {
            mark: hash(mark, self.seed),
            conversation,
            at,
        };
        if let Some(last) = self.segments.back_mut() {
            last.push(reply);
        }
    }

    /// Ensures room in the last segment, and drops segments that are too old or too many.
    fn make_room(&mut self, now: u32) {
        let (most_replies, most_segments) = self.most;
        while let Some(newest) = self.segments.front().map(Segment::newest)
            && is_old(newest, now)
        {
            self.drop_first();
        }
        let has_room = |last: &Segment| last.len() < most_replies && last.takes(now);
        if !self.segments.back().is_some_and(has_room) {
            if let Some(last) = self.segments.back_mut() {
                last.seal();
                self.sealed_bytes += last.bytes();
            }
            self.segments.push_back(Segment::default());
        }
        while self.segments.len() > most_segments || self.bytes() > MAX_BYTES {
            if self.segments.len() < 2 {
                return;
            }
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        let first = self.segments.pop_front();
        // The last one was not counted.
        if let Some(first) = first.filter(|_| !self.segments.is_empty()) {
            self.sealed_bytes = self.sealed_bytes.saturating_sub(first.bytes());
        }
    }

    fn bytes(&self) -> usize {
        self.sealed_bytes + self.segments.back().map_or(0, Segment::bytes)
    }
}

/// The maximum size, including long conversation names.
const MAX_BYTES: usize = 48 << 20;

fn is_old(at: u32, now: u32) -> bool {
    u64::from(now.saturating_sub(at)) > MEMORY.as_secs()
}

fn seconds(time: Timestamp) -> u32 {
    u32::try_from(time.as_seconds()).unwrap_or(0)
}

/// 64 bits distinguish a million marks. The seed makes them unpredictable.
fn hash(mark: ConversationMark, seed: u64) -> u64 {
    xxh3_64_with_seed(&mark.bits().to_le_bytes(), seed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::RequestId;

    /// Like [`Known`], searched linearly.
    #[derive(Default)]
    struct Plain(Vec<(u128, RequestId, i64, bool)>);

    impl Plain {
        fn go_on(&mut self, mark: u128, now: i64) -> Option<RequestId> {
            let memory = i64::try_from(MEMORY.as_secs()).unwrap();
            let fits =
                |(told, _, at, _): &&mut (u128, _, i64, bool)| *told == mark && now - *at <= memory;
            let untouched = self.0.iter().position(|(told, _, at, has_gone_on)| {
                *told == mark && now - *at <= memory && !*has_gone_on
            });
            let reply = match untouched {
                Some(place) => &mut self.0[place],
                None => self.0.iter_mut().rfind(fits)?,
            };
            reply.3 = true;
            Some(reply.1)
        }
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_a_plain_list_finds(
            steps in prop::collection::vec((0..40u128, 0..90i64, 0..3u8), 1..400),
            most_replies in 1..200usize,
        ) {
            const MAX_SEGMENTS: usize = 4;
            let mut known = Known::new((most_replies, MAX_SEGMENTS));
            let mut plain = Plain::default();
            let mut now = 1_700_000_000;
            for (mark, later, what) in steps {
                now += later;
                let time = Timestamp::from_micros(now * 1_000_000);
                // Marks whose halves are equal, differ in one half, and in both.
                let bits = ((mark % 5) << 64) | (mark / 5);
                let mark = ConversationMark::from_bits(bits);
                if what == 0 {
                    let id = RequestId::new();
                    known.add(mark, ConversationId::begun_by(id), time);
                    plain.0.push((bits, id, now, false));
                    let held: usize = known.segments.iter().map(Segment::len).sum();
                    let lost = &plain.0[..plain.0.len() - held];
                    // Only for lack of room, and then at most one segment at a time.
                    let room = (MAX_SEGMENTS - 1) * most_replies;
                    let is_young = |reply: &(u128, RequestId, i64, bool)| {
                        now - reply.2 <= i64::try_from(MEMORY.as_secs()).unwrap()
                    };
                    prop_assert!(held > room || !lost.iter().any(is_young));
                } else {
                    let held: usize = known.segments.iter().map(Segment::len).sum();
                    // Dropped for lack of room.
                    plain.0.drain(..plain.0.len() - held);
                    let found = known.go_on(mark, time);
                    prop_assert_eq!(found, plain.go_on(bits, now).map(ConversationId::begun_by));
                }
                prop_assert!(known.segments.len() <= MAX_SEGMENTS);
                prop_assert!(known.segments.iter().all(|segment| segment.len() <= most_replies));
            }
        }
    }

    #[test]
    fn the_last_half_hour_is_kept_as_far_as_there_is_room() {
        let mut known = Known::new((3, 2));
        let time = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let mark = |number: i64| ConversationMark::from_bits(number.unsigned_abs().into());
        for number in 0..10 {
            known.add(
                mark(number),
                ConversationId::begun_by(RequestId::new()),
                time(number),
            );
        }
        let mut is_known = |number, now| known.go_on(mark(number), time(now)).is_some();
        assert_eq!(
            (0..10)
                .filter(|number| is_known(*number, 10))
                .collect::<Vec<_>>(),
            [6, 7, 8, 9]
        );
        assert!(is_known(6, 1806) && !is_known(6, 1807));
        known.add(
            mark(0),
            ConversationId::begun_by(RequestId::new()),
            time(1810),
        );
        assert_eq!(known.segments.len(), 1);
    }
}
