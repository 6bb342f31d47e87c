use std::collections::HashMap;

use crate::wire::{ConversationId, RequestId};

/// The minimum number of slots in an index.
const FEWEST_SLOTS: usize = 64;

/// Consecutive replies with an index by mark. Each takes 32 bytes.
///
/// Nothing is removed: a segment is dropped as a whole. So its index is a plain table, at most half
/// full, in which a mark is searched from the slot given by its bits up to the first free one. It
/// grows with the replies, and fits into the processor's cache while they are added.
///
/// Clients that send and receive the same, such as load generators, create many replies with one
/// mark. These form a ring, whose last reply is in the slot.
#[derive(Default)]
pub(super) struct Segment {
    replies: Vec<Linked>,
    /// A power of two. Each holds a reply's number plus one; 0 means free.
    slots: Vec<u16>,
    /// When the first reply was made, in seconds since 1970.
    began: u32,
    /// When the newest reply was made: not always the last one, since clocks may be set back.
    newest: u32,
    /// The named conversations. Most have no name, and are identified by their first request.
    names: Vec<ConversationId>,
    /// The position of each, while replies are added.
    places: HashMap<ConversationId, u16>,
    /// How many bytes the names take.
    name_bytes: usize,
}

pub(super) struct Reply {
    /// Distinguishes its mark from others.
    pub(super) mark: u64,
    pub(super) conversation: ConversationId,
    /// When it was made, in seconds since 1970.
    pub(super) at: u32,
}

/// In small fields, without padding.
struct Linked {
    mark: [u32; 2],
    /// A request's id, or the position of a name.
    conversation: [u32; 4],
    /// In seconds since the segment's first reply.
    after: u16,
    /// The number of the next reply with its mark (for the last, of the first), and two flags. Some
    /// are skipped: see [`Segment::find`].
    next: u16,
}

/// The conversation has a name.
const IS_NAMED: u16 = 1 << 15;
/// It was continued.
const HAS_GONE_ON: u16 = 1 << 14;
const NUMBER: u16 = HAS_GONE_ON - 1;

/// The overhead of one more name, in both places.
const NAME_BYTES: usize = 96;

impl Segment {
    /// The maximum number of replies in a segment, which fits 14 bits.
    pub(super) const MAX: usize = 1 << 14;

    pub(super) fn len(&self) -> usize {
        self.replies.len()
    }

    /// When its newest reply was made.
    pub(super) fn newest(&self) -> u32 {
        self.newest
    }

    /// Whether a reply of this time fits into it.
    pub(super) fn takes(&self, at: u32) -> bool {
        self.replies.is_empty() || u16::try_from(at.saturating_sub(self.began)).is_ok()
    }

    /// About how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        self.replies.len() * size_of::<Linked>()
            + self.slots.len() * size_of::<u16>()
            + self.name_bytes
    }

    /// Nothing more is added.
    pub(super) fn seal(&mut self) {
        self.places = HashMap::new();
    }

    /// Adds a reply that was not continued yet.
    pub(super) fn push(&mut self, reply: Reply) {
        if self.replies.is_empty() {
            self.began = reply.at;
        }
        self.newest = self.newest.max(reply.at);
        let number = self.replies.len();
        let (conversation, flag) = self.packed(reply.conversation);
        let mut linked = Linked {
            mark: halves(reply.mark),
            conversation,
            after: u16::try_from(reply.at.saturating_sub(self.began)).unwrap_or(u16::MAX),
            next: link(number),
        };
        if self.replies.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let Some(slot) = self.slot(reply.mark) else {
            return;
        };
        if let Some(last) = self.number(slot).map(|last| &mut self.replies[last]) {
            let flags = last.next & !NUMBER;
            let first = last.next & NUMBER;
            last.next = linked.next | flags;
            linked.next = first;
        }
        linked.next |= flag;
        self.replies.push(linked);
        self.slots[slot] = link(number) + 1;
    }

    /// A conversation in sixteen bytes, and the flag for their meaning.
    fn packed(&mut self, conversation: ConversationId) -> ([u32; 4], u16) {
        if let Some(request) = conversation.request() {
            let bits = u128::from_le_bytes(*request.as_bytes());
            return (words(bits), 0);
        }
        let place = match self.places.get(&conversation) {
            Some(place) => *place,
            None => {
                let place = link(self.names.len());
                self.name_bytes += conversation.to_string().len() + NAME_BYTES;
                self.names.push(conversation.clone());
                self.places.insert(conversation, place);
                place
            }
        };
        (words(u128::from(place)), IS_NAMED)
    }

    /// The reply with `mark` to continue from, and whether it was not continued yet: the oldest
    /// such, otherwise the latest.
    ///
    /// Replies that were continued or are old, and are followed by another one, are never needed
    /// again: they are skipped from then on, so that each is examined once, however many there are.
    pub(super) fn find(
        &mut self,
        mark: u64,
        is_old: impl Fn(u32) -> bool,
    ) -> Option<(usize, bool)> {
        let slot = self.slot(mark)?;
        let last = self.number(slot)?;
        loop {
            let first = usize::from(self.replies[last].next & NUMBER);
            let linked = &self.replies[first];
            let is_old = is_old(self.began.saturating_add(linked.after.into()));
            if linked.next & HAS_GONE_ON == 0 && !is_old {
                return Some((first, true));
            }
            if first == last {
                return (!is_old).then_some((last, false));
            }
            let next = linked.next & NUMBER;
            let flags = self.replies[last].next & !NUMBER;
            self.replies[last].next = next | flags;
        }
    }

    /// Marks a found reply as continued.
    pub(super) fn go_on(&mut self, number: usize) -> Option<ConversationId> {
        let linked = self.replies.get_mut(number)?;
        linked.next |= HAS_GONE_ON;
        let [first, ..] = linked.conversation;
        match linked.next & IS_NAMED {
            0 => {
                let bits = whole(linked.conversation);
                let request = RequestId::from_bytes(bits.to_le_bytes());
                Some(ConversationId::begun_by(request))
            }
            _ => self.names.get(usize::try_from(first).ok()?).cloned(),
        }
    }

    /// Doubles the index.
    fn grow(&mut self) {
        let count = (self.slots.len() * 2).max(FEWEST_SLOTS);
        let slots = std::mem::replace(&mut self.slots, vec![0; count]);
        for number in slots.into_iter().filter(|number| *number != 0) {
            let [low, high] = self.replies[usize::from(number - 1)].mark;
            let mark = u64::from(low) | u64::from(high) << 32;
            if let Some(slot) = self.slot(mark) {
                self.slots[slot] = number;
            }
        }
    }

    /// The slot of `mark`, or the free one for it; `None` without any.
    fn slot(&self, mark: u64) -> Option<usize> {
        let count = self.slots.len();
        let first = usize::try_from(mark & 0xffff_ffff).unwrap_or(0);
        let mark = halves(mark);
        let mut slots = (0..count).map(|step| (first + step) & (count - 1));
        slots.find(|slot| match self.number(*slot) {
            None => true,
            Some(number) => self.replies[number].mark == mark,
        })
    }

    /// The number of the last reply whose mark is in `slot`.
    fn number(&self, slot: usize) -> Option<usize> {
        self.slots[slot].checked_sub(1).map(usize::from)
    }
}

fn link(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(NUMBER).min(NUMBER)
}

fn halves(bits: u64) -> [u32; 2] {
    let [low, high, ..] = words(u128::from(bits));
    [low, high]
}

fn words(bits: u128) -> [u32; 4] {
    [0, 32, 64, 96].map(|shift| u32::try_from(bits >> shift & 0xffff_ffff).unwrap_or(0))
}

fn whole(words: [u32; 4]) -> u128 {
    let words = words.into_iter().rev();
    words.fold(0, |bits, word| bits << 32 | u128::from(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(conversation: impl Fn(usize) -> ConversationId) -> Segment {
        let mut segment = Segment::default();
        for number in 0..Segment::MAX {
            segment.push(Reply {
                mark: u64::try_from(number)
                    .unwrap()
                    .wrapping_mul(0x9E37_79B9_7F4A_7C15),
                conversation: conversation(number),
                at: 1_700_000_000,
            });
        }
        segment
    }

    #[test]
    fn a_reply_takes_32_bytes_whatever_its_conversation_is_called() {
        let unnamed = filled(|_| ConversationId::begun_by(RequestId::new()));
        assert_eq!(unnamed.bytes(), 32 * Segment::MAX);
        let name: ConversationId = "n".repeat(128).parse().unwrap();
        let named = filled(|_| name.clone());
        assert!(named.bytes() < 33 * Segment::MAX, "{}", named.bytes());
    }

    #[test]
    fn the_first_and_the_last_of_a_full_segment_are_found() {
        let names = |number: usize| match number % 2 {
            0 => ConversationId::begun_by(RequestId::from_bytes([7; 16])),
            _ => format!("name-{}", number % 5).parse().unwrap(),
        };
        let mut segment = filled(names);
        for number in [0, 1, 2, Segment::MAX / 2, Segment::MAX - 1] {
            let mark = u64::try_from(number)
                .unwrap()
                .wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let (found, is_untouched) = segment.find(mark, |_| false).unwrap();
            assert_eq!((found, is_untouched), (number, true));
            assert_eq!(segment.go_on(found), Some(names(number)));
        }
    }
}
