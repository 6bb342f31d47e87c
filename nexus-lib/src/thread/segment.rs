use crate::wire::ConversationId;

/// The fewest slots of an index.
const FEWEST_SLOTS: usize = 64;

/// Replies that came one after the other, with an index by their marks.
///
/// Nothing is taken out of it: a segment goes as a whole. So its index is a plain table, at most half full, in
/// which a reply is looked for from the slot that its hash tells up to the first free one. It grows with
/// the replies, and stays small enough for the processor's cache while they are added.
#[derive(Default)]
pub(super) struct Segment {
    replies: Vec<Reply>,
    /// As many as a power of two. Each has a reply's number and one in its lower half, and what its hash begins
    /// with in the upper; a free one is 0.
    slots: Vec<u32>,
    /// When the youngest reply was made: not always the last, for clocks are set back.
    newest: u32,
}

pub(super) struct Reply {
    /// The bits of its mark, in halves: as one number they would lie in steps of 16 bytes.
    pub(super) mark: [u64; 2],
    pub(super) conversation: ConversationId,
    /// When it was made, in seconds since 1970.
    pub(super) at: u32,
    pub(super) has_gone_on: bool,
}

/// The upper bits of a hash, which tell replies in neighbouring slots apart.
const TAG: u32 = !NUMBER;
const NUMBER: u32 = 0xffff;

impl Segment {
    /// The most replies of a segment, which half a slot can number; their index takes 128 KiB.
    pub(super) const MOST: usize = 1 << 14;

    pub(super) fn len(&self) -> usize {
        self.replies.len()
    }

    /// When its youngest reply was made.
    pub(super) fn newest(&self) -> u32 {
        self.newest
    }

    pub(super) fn get_mut(&mut self, number: usize) -> Option<&mut Reply> {
        self.replies.get_mut(number)
    }

    /// Adds a reply; `hash` tells the hash of a mark, which is ever the same.
    pub(super) fn push(&mut self, reply: Reply, hash: impl Fn([u64; 2]) -> u32) {
        let mark = reply.mark;
        self.newest = self.newest.max(reply.at);
        self.replies.push(reply);
        if self.replies.len() * 2 <= self.slots.len() {
            self.enter(self.replies.len(), hash(mark));
            return;
        }
        let count = (self.slots.len() * 2).max(FEWEST_SLOTS);
        self.slots.clear();
        self.slots.resize(count, 0);
        for place in 0..self.replies.len() {
            self.enter(place + 1, hash(self.replies[place].mark));
        }
    }

    /// Puts a reply's number into the first free slot.
    fn enter(&mut self, number: usize, hash: u32) {
        let number = u32::try_from(number).unwrap_or(NUMBER);
        let free = self.probe(hash).find(|slot| self.slots[*slot] == 0);
        if let Some(free) = free {
            self.slots[free] = hash & TAG | number;
        }
    }

    /// The numbers of the replies with `mark`, in the order in which they came.
    pub(super) fn matches(
        &self,
        mark: [u64; 2],
        hash: u32,
    ) -> impl Iterator<Item = (usize, &Reply)> {
        self.probe(hash)
            .map(|slot| self.slots[slot])
            .take_while(|slot| *slot != 0)
            .filter(move |slot| slot & TAG == hash & TAG)
            .filter_map(|slot| usize::try_from((slot & NUMBER) - 1).ok())
            .filter_map(|number| Some((number, self.replies.get(number)?)))
            .filter(move |(_, reply)| reply.mark == mark)
    }

    /// The slots in which a reply may be, the likeliest first.
    fn probe(&self, hash: u32) -> impl Iterator<Item = usize> + use<> {
        let count = self.slots.len();
        let first = usize::try_from(hash).unwrap_or(0);
        (0..count).map(move |step| (first + step) & (count - 1))
    }
}
