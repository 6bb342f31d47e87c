use std::collections::VecDeque;

use bytes::{Buf, Bytes};

use super::budget::{Counted, Held};
use super::{BodyMemory, FREE_BYTES, Holder};
use crate::error::Error;

/// The size of the first part, unless more is announced.
const FIRST_PART: usize = 16 * 1024;
/// The largest part that is allocated before all bytes have arrived.
const LARGEST_PART: usize = 1024 * 1024;
/// The step in which memory is counted.
const STEP: usize = 64 * 1024;

/// Joins the pieces of a body, up to `limit` bytes.
///
/// The pieces are copied into parts of at most 1 MiB, and at the end the parts into one, each freed
/// after it was copied: memory use is never much more than the body itself. A buffer that doubles
/// uses up to three times as much.
pub(crate) struct Gather {
    held: Held,
    limit: usize,
    parts: VecDeque<Vec<u8>>,
    len: usize,
    /// The announced minimum length.
    announced: usize,
}

/// Why a body cannot be collected.
#[derive(Debug)]
pub(crate) enum GatherError {
    /// It exceeds its limit.
    TooLong,
    /// There is no memory for it.
    NoRoom(Error),
}

impl Gather {
    /// For a body of `holder` with an announced length of at least `announced` bytes.
    pub(crate) fn new(memory: &BodyMemory, holder: Holder, limit: usize, announced: usize) -> Self {
        Self {
            held: memory.hold(holder),
            limit,
            parts: VecDeque::new(),
            len: 0,
            announced: announced.min(limit),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Counts all that has arrived, `len` bytes by now.
    fn charge(&mut self, len: usize) -> Result<(), GatherError> {
        if len > self.limit {
            return Err(GatherError::TooLong);
        }
        if len > self.held.bytes().max(FREE_BYTES) {
            // Not more than the body can have.
            let wanted = len.next_multiple_of(STEP).min(self.limit);
            let more = wanted - self.held.bytes();
            self.held.grow(more).map_err(GatherError::NoRoom)?;
        }
        Ok(())
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// [`GatherError`].
    pub(crate) fn push(&mut self, mut piece: impl Buf) -> Result<(), GatherError> {
        self.charge(self.len + piece.remaining())?;
        while piece.has_remaining() {
            let chunk = piece.chunk();
            let part = match self.parts.back_mut() {
                Some(part) if part.len() < part.capacity() => part,
                _ => {
                    let expected = self.announced.saturating_sub(self.len);
                    // Each part is as large as all before it, up to a bound.
                    let size = expected.max(self.len).max(chunk.len());
                    let size = size.clamp(FIRST_PART, LARGEST_PART);
                    self.parts.push_back(Vec::with_capacity(size));
                    continue;
                }
            };
            let taken = chunk.len().min(part.capacity() - part.len());
            part.extend_from_slice(&chunk[..taken]);
            self.len += taken;
            piece.advance(taken);
        }
        Ok(())
    }

    /// The whole body. Its memory is counted until the last clone is dropped.
    pub(crate) fn finish(mut self) -> Bytes {
        let whole = match self.parts.len() {
            0 => return Bytes::new(),
            1 => self.parts.pop_front().unwrap_or_default(),
            _ => {
                let mut whole = Vec::with_capacity(self.len);
                while let Some(part) = self.parts.pop_front() {
                    whole.extend_from_slice(&part);
                }
                whole
            }
        };
        match self.held.bytes() {
            0 => whole.into(),
            _ => Bytes::from_owner(Counted {
                bytes: whole,
                _held: self.held,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gather(memory: &BodyMemory, limit: usize, announced: usize) -> Gather {
        Gather::new(memory, Holder::Client(1), limit, announced)
    }

    #[test]
    fn pieces_are_joined_in_order_and_counted_as_they_come() {
        for (piece, announced) in [(1, 0), (1000, 0), (70_000, 0), (70_000, 3_000_000), (7, 50)] {
            let memory = BodyMemory::at_most(64 << 20);
            let mut gather = gather(&memory, 16 << 20, announced);
            let body: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
            let body = &body[..body.len().min(piece * 5000)];
            for piece in body.chunks(piece) {
                gather.push(piece).unwrap();
                let held = memory.held();
                assert!(held <= gather.len() + STEP, "{held}");
                assert!(held >= gather.len() || gather.len() <= FREE_BYTES);
                // The count equals the allocated memory.
                let there: usize = gather.parts.iter().map(Vec::capacity).sum();
                assert!(
                    there <= gather.len() * 2 + FIRST_PART + LARGEST_PART,
                    "{there}"
                );
            }
            let whole = gather.finish();
            assert_eq!(whole, body);
            let part = whole.slice(..1);
            drop(whole);
            assert_eq!(memory.held() > 0, body.len() > FREE_BYTES);
            drop(part);
            assert_eq!(memory.held(), 0);
        }
    }

    #[test]
    fn limits_are_kept() {
        let memory = BodyMemory::at_most(1 << 20);
        let mut short = gather(&memory, 10, 0);
        short.push(&[0; 10][..]).unwrap();
        assert!(matches!(short.push(&[0][..]), Err(GatherError::TooLong)));
        let mut long = gather(&memory, 8 << 20, 8 << 20);
        let error = loop {
            if let Err(error) = long.push(&[0; 1000][..]) {
                break error;
            }
        };
        assert!(matches!(error, GatherError::NoRoom(_)));
        assert!(long.len() > 700_000, "{}", long.len());
    }
}
