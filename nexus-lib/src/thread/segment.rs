use crate::wire::ConversationId;

/// The fewest slots of an index.
const FEWEST_SLOTS: usize = 64;

/// Replies that came one after the other, with an index by their marks.
///
/// Nothing is taken out of it: a segment goes as a whole. So its index is a plain table, at most half full, in
/// which a mark is looked for from the slot that its hash tells up to the first free one. It grows with
/// the replies, and stays small enough for the processor's cache while they are added.
///
/// Clients that ask the same and are told the same, as load generators are, make many replies of one mark. These are a
/// ring, of which the slot tells the last.
#[derive(Default)]
pub(super) struct Segment {
    replies: Vec<Linked>,
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
}

struct Linked {
    reply: Reply,
    /// The number of the next with its mark; of the last, that of the first. Some are passed over: see
    /// [`Segment::find`].
    next: u16,
    has_gone_on: bool,
}

/// The upper bits of a hash, which tell marks in neighbouring slots apart.
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

    /// Adds a reply, which nobody has gone on with; `hash` tells the hash of a mark, which is ever the same.
    pub(super) fn push(&mut self, reply: Reply, hash: impl Fn([u64; 2]) -> u32) {
        self.newest = self.newest.max(reply.at);
        let (mark, number) = (reply.mark, self.replies.len());
        let mut linked = Linked {
            reply,
            next: link(number),
            has_gone_on: false,
        };
        if self.replies.len() * 2 >= self.slots.len() {
            self.grow(&hash);
        }
        let hash = hash(mark);
        let Some(slot) = self.slot(mark, hash) else {
            return;
        };
        if let Some(last) = self.number(slot).map(|last| &mut self.replies[last]) {
            linked.next = std::mem::replace(&mut last.next, linked.next);
        }
        self.replies.push(linked);
        self.slots[slot] = entry(number, hash);
    }

    /// The reply with `mark` to go on with, and whether nobody has yet: the oldest such, or else the latest.
    ///
    /// Those that are gone on with, or old, and have another behind them will never be wanted again: they are
    /// passed over from then on, so that however many there are, each is looked at once.
    pub(super) fn find(
        &mut self,
        mark: [u64; 2],
        hash: u32,
        is_old: impl Fn(u32) -> bool,
    ) -> Option<(usize, bool)> {
        let slot = self.slot(mark, hash)?;
        let last = self.number(slot)?;
        loop {
            let first = usize::from(self.replies[last].next);
            let linked = &self.replies[first];
            let is_wanted = !linked.has_gone_on && !is_old(linked.reply.at);
            if is_wanted {
                return Some((first, true));
            }
            if first == last {
                return (!is_old(linked.reply.at)).then_some((last, false));
            }
            self.replies[last].next = linked.next;
        }
    }

    /// Goes on with a reply that was found.
    pub(super) fn go_on(&mut self, number: usize) -> Option<ConversationId> {
        let linked = self.replies.get_mut(number)?;
        linked.has_gone_on = true;
        Some(linked.reply.conversation.clone())
    }

    /// Makes the index twice as large.
    fn grow(&mut self, hash: impl Fn([u64; 2]) -> u32) {
        let count = (self.slots.len() * 2).max(FEWEST_SLOTS);
        let slots = std::mem::replace(&mut self.slots, vec![0; count]);
        for number in slots.into_iter().filter_map(numbered) {
            let mark = self.replies[number].reply.mark;
            let hash = hash(mark);
            if let Some(slot) = self.slot(mark, hash) {
                self.slots[slot] = entry(number, hash);
            }
        }
    }

    /// The slot of `mark`, or the free one where it would be; `None` without any.
    fn slot(&self, mark: [u64; 2], hash: u32) -> Option<usize> {
        let count = self.slots.len();
        let first = usize::try_from(hash).unwrap_or(0);
        let mut slots = (0..count).map(|step| (first + step) & (count - 1));
        slots.find(|slot| match self.number(*slot) {
            None => true,
            Some(number) => {
                self.slots[*slot] & TAG == hash & TAG && self.replies[number].reply.mark == mark
            }
        })
    }

    /// The number of the last reply whose mark is in `slot`.
    fn number(&self, slot: usize) -> Option<usize> {
        numbered(self.slots[slot])
    }
}

/// What stands in a slot for a reply.
fn entry(number: usize, hash: u32) -> u32 {
    hash & TAG | u32::from(link(number) + 1)
}

/// The reply that stands in a slot; `None` in a free one.
fn numbered(slot: u32) -> Option<usize> {
    usize::try_from((slot & NUMBER).checked_sub(1)?).ok()
}

fn link(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX - 1)
}
