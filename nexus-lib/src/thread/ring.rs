use std::collections::VecDeque;

/// How many values there are in a chunk.
const CHUNK: usize = 512;

/// A queue that is never copied as it grows, and gives back what it does not need any more.
pub(super) struct Ring<T> {
    chunks: VecDeque<Vec<T>>,
    /// How many values of the first chunk are gone: they stay in place until all of them are.
    gone: usize,
    len: usize,
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self {
            chunks: VecDeque::new(),
            gone: 0,
            len: 0,
        }
    }
}

impl<T> Ring<T> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn push_back(&mut self, value: T) {
        self.len += 1;
        match self.chunks.back_mut() {
            Some(last) if last.len() < CHUNK => last.push(value),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(value);
                self.chunks.push_back(chunk);
            }
        }
    }

    /// The value at `place`, counted from the first.
    pub(super) fn get(&self, place: usize) -> Option<&T> {
        let place = place.checked_add(self.gone)?;
        self.chunks.get(place / CHUNK)?.get(place % CHUNK)
    }

    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        let place = place.checked_add(self.gone)?;
        self.chunks.get_mut(place / CHUNK)?.get_mut(place % CHUNK)
    }

    /// Takes the first value out of the count; it is dropped with those of its chunk.
    pub(super) fn forget_front(&mut self) {
        if self.len == 0 {
            return;
        }
        (self.len, self.gone) = (self.len - 1, self.gone + 1);
        if self.gone == CHUNK {
            self.chunks.pop_front();
            self.gone = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_places_as_others_come_and_go() {
        let mut ring = Ring::default();
        let mut first = 0;
        for value in 0..CHUNK * 5 {
            ring.push_back(value);
            if value % 3 != 0 {
                ring.forget_front();
                first += 1;
            }
            assert_eq!(ring.len(), value + 1 - first);
            assert_eq!(ring.get(0).copied(), (ring.len() > 0).then_some(first));
            let last = ring
                .len()
                .checked_sub(1)
                .and_then(|last| ring.get_mut(last));
            assert_eq!(last.copied(), (ring.len() > 0).then_some(value));
            assert_eq!(ring.get(ring.len()), None);
        }
        assert!(ring.chunks.len() <= ring.len() / CHUNK + 2);
        (0..ring.len() + 3).for_each(|_| ring.forget_front());
        assert_eq!((ring.len(), ring.get(0)), (0, None));
    }
}
