use std::collections::HashMap;
use std::sync::Arc;

use super::connection::Connection;
use crate::wire::{Origin, ProxyList};

/// The maximum number of idle connections for one origin and its proxies. Others are closed after
/// use.
const MAX_IDLE: usize = 1024;

/// Idle connections, the most recently used one on top.
#[derive(Default)]
pub(super) struct Shelf {
    direct: ByOrigin,
    /// Separate, so that it costs nothing without proxies.
    proxied: HashMap<Arc<ProxyList>, ByOrigin>,
    /// The number of sweeps: a clock that costs nothing to read.
    sweeps: u64,
}

type ByOrigin = HashMap<Origin, Vec<Kept>>;

struct Kept {
    connection: Connection,
    /// The sweep at which it was put here, or last used.
    since: u64,
}

impl Shelf {
    /// A connection to `origin` through `proxies` that is not known to be closed; a shared one
    /// stays here too.
    pub(super) fn take(
        &mut self,
        origin: &Origin,
        proxies: Option<&Arc<ProxyList>>,
    ) -> Option<Connection> {
        let by_origin = match proxies {
            None => &mut self.direct,
            Some(list) => self.proxied.get_mut(list)?,
        };
        let kept = by_origin.get_mut(origin)?;
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

    pub(super) fn put(
        &mut self,
        origin: &Origin,
        proxies: Option<&Arc<ProxyList>>,
        connection: Connection,
    ) {
        let by_origin = match proxies {
            None => &mut self.direct,
            Some(list) => self.proxied.entry(Arc::clone(list)).or_default(),
        };
        let kept = match by_origin.get_mut(origin) {
            Some(kept) => kept,
            None => by_origin.entry(origin.clone()).or_default(),
        };
        // One shared connection is enough.
        let is_shared = |connection: &Connection| matches!(connection, Connection::Shared(_));
        let is_needed =
            !is_shared(&connection) || !kept.iter().any(|kept| is_shared(&kept.connection));
        if is_needed && kept.len() < MAX_IDLE {
            let since = self.sweeps;
            kept.push(Kept { connection, since });
        }
    }

    /// Closes what has been idle for `longest` sweeps, and removes what was closed.
    pub(super) fn sweep(&mut self, longest: u64) {
        self.sweeps += 1;
        let first = self.sweeps.saturating_sub(longest);
        let sweep = |by_origin: &mut ByOrigin| {
            by_origin.retain(|_, kept| {
                kept.retain_mut(|kept| kept.since >= first && !kept.connection.is_closed());
                !kept.is_empty()
            });
            !by_origin.is_empty()
        };
        sweep(&mut self.direct);
        self.proxied.retain(|_, by_origin| sweep(by_origin));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.direct.is_empty() && self.proxied.is_empty()
    }
}
