use std::sync::atomic::{AtomicU32, Ordering};

/// A provider's open requests: from the sending of a request to the end of the answer's body.
#[derive(Debug, Default)]
pub struct Load {
    open: AtomicU32,
}

impl Load {
    /// The number of open requests.
    pub fn open(&self) -> u32 {
        self.open.load(Ordering::Relaxed)
    }

    /// Counts one more. Returns false if `most` are open already.
    pub(crate) fn enter(&self, most: Option<u32>) -> bool {
        let before = self.open.fetch_add(1, Ordering::Relaxed);
        if most.is_some_and(|most| before >= most) {
            self.leave();
            return false;
        }
        true
    }

    /// Counts one less. Call it once for each successful `enter`.
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
