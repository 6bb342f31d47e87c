use std::collections::HashMap;

use super::connection::Connection;
use crate::wire::Origin;

/// The most connections that are kept for one origin. Those beyond it are closed after their use.
const MOST: usize = 1024;

/// Connections that nobody uses just now, the one used last on top.
#[derive(Default)]
pub(super) struct Shelf {
    by_origin: HashMap<Origin, Vec<Kept>>,
    /// How often it was swept: a clock that costs nothing to read.
    sweeps: u64,
}

struct Kept {
    connection: Connection,
    /// At which sweep it was put here, or used last.
    since: u64,
}

impl Shelf {
    /// A connection to `origin` that stands as far as is known; one that is shared stays here, too.
    pub(super) fn take(&mut self, origin: &Origin) -> Option<Connection> {
        let kept = self.by_origin.get_mut(origin)?;
        while let Some(last) = kept.last_mut() {
            if last.connection.is_closed() {
                kept.pop();
                continue;
            }
            if let Some(shared) = last.connection.shared() {
                last.since = self.sweeps;
                return Some(shared);
            }
            return kept.pop().map(|last| last.connection);
        }
        None
    }

    pub(super) fn put(&mut self, origin: &Origin, connection: Connection) {
        let kept = match self.by_origin.get_mut(origin) {
            Some(kept) => kept,
            None => self.by_origin.entry(origin.clone()).or_default(),
        };
        // Of shared connections one is enough.
        let is_needed =
            !connection.is_shared() || kept.iter().all(|kept| !kept.connection.is_shared());
        if is_needed && kept.len() < MOST && !connection.is_closed() {
            let since = self.sweeps;
            kept.push(Kept { connection, since });
        }
    }

    /// Closes what has been idle for `longest` sweeps, and forgets what was closed.
    pub(super) fn sweep(&mut self, longest: u64) {
        self.sweeps += 1;
        let first = self.sweeps.saturating_sub(longest);
        self.by_origin.retain(|_, kept| {
            kept.retain(|kept| !kept.connection.is_closed() && kept.since >= first);
            !kept.is_empty()
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_origin.is_empty()
    }
}
