use std::sync::atomic::{AtomicU32, Ordering};

/// How many requests a provider has open: from their sending to the end of the answer's body.
#[derive(Debug, Default)]
pub struct Load {
    open: AtomicU32,
}

impl Load {
    /// How many are open.
    pub fn open(&self) -> u32 {
        self.open.load(Ordering::Relaxed)
    }

    /// Counts one more, unless `most` are open already.
    pub(crate) fn enter(&self, most: Option<u32>) -> bool {
        let before = self.open.fetch_add(1, Ordering::Relaxed);
        if most.is_some_and(|most| before >= most) {
            self.leave();
            return false;
        }
        true
    }

    /// Counts one less. Whoever entered leaves once.
    pub(crate) fn leave(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_most_are_open() {
        let load = Load::default();
        assert!(load.enter(Some(2)) && load.enter(Some(2)));
        assert!(!load.enter(Some(2)));
        assert_eq!(load.open(), 2);
        load.leave();
        assert!(load.enter(Some(2)));
        assert!(load.enter(None));
        assert_eq!(load.open(), 3);
    }
}
