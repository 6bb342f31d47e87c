use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use http::Uri;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::dialer::Dialer;
use super::standing::Standings;
use super::through::ThroughProxies;
use super::{Destination, DialError, NoTunnel};
use crate::error::BoxError;
use crate::provider::transport::resolver::Tcp;
use crate::wire::{ProxyList, ProxyUrl};

/// How many proxies are checked at once.
const CHECKS_AT_ONCE: usize = 16;

/// All proxies in use. A clone is the same.
#[derive(Clone)]
pub(in crate::provider::transport) struct Proxies(Arc<Inner>);

struct Inner {
    dialer: Dialer,
    /// From one round of checks to the next.
    interval: Duration,
    /// The timeout of a check.
    check_timeout: Duration,
    watched: Mutex<Watched>,
}

#[derive(Default)]
struct Watched {
    standings: Standings,
    /// Checks the proxies; it exists while any is in use.
    watcher: Option<AbortHandle>,
}

impl Proxies {
    pub(in crate::provider::transport) fn new(
        tcp: Tcp,
        interval: Duration,
        check_timeout: Duration,
    ) -> Self {
        Self(Arc::new(Inner {
            dialer: Dialer::new(tcp),
            interval,
            check_timeout,
            watched: Mutex::default(),
        }))
    }

    /// A connector through `list`, and in no other way. A proxy has `timeout` to provide a tunnel.
    pub(in crate::provider::transport) fn through(
        &self,
        list: Arc<ProxyList>,
        timeout: Duration,
    ) -> ThroughProxies {
        ThroughProxies::new(self.clone(), list, timeout)
    }

    /// A tunnel to the upstream of `uri` through the first proxy that provides one.
    pub(super) async fn connect(
        &self,
        list: &ProxyList,
        uri: &Uri,
        timeout: Duration,
    ) -> Result<TcpStream, BoxError> {
        let destination = Destination::of(uri).ok_or("the upstream's URL has no host")?;
        let mut failure: BoxError = "there is no proxy".into();
        for proxy in self.in_turn(list) {
            match self.0.dialer.dial(proxy, &destination, timeout).await {
                Ok(stream) => {
                    self.0.note(proxy, Ok(()));
                    return Ok(stream);
                }
                Err(DialError::Beyond(cause)) => {
                    let (proxy, error) = (proxy.address(), chain(&cause));
                    tracing::debug!(proxy, error, "a proxy cannot reach an upstream");
                    failure = NoTunnel::Beyond(cause).into();
                }
                Err(DialError::Proxy(cause)) => {
                    self.0.note(proxy, Err(&cause));
                    failure = NoTunnel::Proxy(cause).into();
                }
            }
        }
        Err(failure)
    }

    fn in_turn<'a>(&self, list: &'a ProxyList) -> Vec<&'a ProxyUrl> {
        let mut watched = self.0.watched();
        let proxies = watched.standings.in_turn(list, Instant::now());
        if watched.watcher.is_none() {
            let watcher = tokio::spawn(watch(Arc::downgrade(&self.0), self.0.interval));
            watched.watcher = Some(watcher.abort_handle());
        }
        proxies
    }
}

impl Inner {
    fn watched(&self) -> MutexGuard<'_, Watched> {
        // No code panics while it holds the lock, and the data is consistent between statements.
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, proxy: &ProxyUrl, outcome: Result<(), &BoxError>) {
        let now = Instant::now();
        let changed = self.watched().standings.note(proxy, outcome.is_ok(), now);
        let proxy = proxy.address();
        match (outcome, changed) {
            (Ok(()), None) => {}
            (Ok(()), Some(since)) => {
                let seconds = now.duration_since(since).as_secs();
                tracing::info!(proxy, seconds, "a proxy is up again");
            }
            (Err(cause), Some(_)) => tracing::warn!(proxy, error = chain(cause), "a proxy is down"),
            (Err(cause), None) => {
                tracing::debug!(proxy, error = chain(cause), "a proxy is still down");
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(watcher) = self.watched().watcher.take() {
            watcher.abort();
        }
    }
}

/// Ends by itself when no proxy is in use any more.
async fn watch(proxies: Weak<Inner>, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        let Some((dialer, timeout, due)) = begin_round(&proxies) else {
            return;
        };
        // Nothing is held while it waits, so that the owners of the proxies can drop them.
        stream::iter(due)
            .for_each_concurrent(CHECKS_AT_ONCE, |proxy| {
                check(&proxies, &dialer, proxy, timeout)
            })
            .await;
    }
}

async fn check(proxies: &Weak<Inner>, dialer: &Dialer, proxy: ProxyUrl, timeout: Duration) {
    let outcome = dialer.check(&proxy, timeout).await;
    let Some(proxies) = proxies.upgrade() else {
        return;
    };
    match &outcome {
        Ok(()) => proxies.note(&proxy, Ok(())),
        Err(DialError::Proxy(cause) | DialError::Beyond(cause)) => proxies.note(&proxy, Err(cause)),
    }
}

fn begin_round(proxies: &Weak<Inner>) -> Option<(Dialer, Duration, Vec<ProxyUrl>)> {
    let proxies = proxies.upgrade()?;
    let mut watched = proxies.watched();
    let due = watched.standings.begin_round(Instant::now());
    if watched.standings.is_empty() {
        watched.watcher = None;
        return None;
    }
    drop(watched);
    Some((proxies.dialer.clone(), proxies.check_timeout, due))
}

/// The error with its source chain.
fn chain(cause: &BoxError) -> String {
    let mut text = cause.to_string();
    let mut cause = cause.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::transport::resolver::Resolver;

    #[tokio::test]
    async fn the_watcher_is_there_while_proxies_are_in_use_and_ends_with_them() {
        let second = Duration::from_secs(1);
        let proxies = Proxies::new(Tcp::new_with_resolver(Resolver::new()), second, second);
        let watcher = |proxies: &Proxies| proxies.0.watched().watcher.clone();
        assert!(watcher(&proxies).is_none());
        let list = ProxyList::parse("http://127.0.0.1:1").unwrap();
        proxies.in_turn(&list);
        let task = watcher(&proxies).unwrap();
        proxies.in_turn(&list);
        assert_eq!(watcher(&proxies).unwrap().id(), task.id());
        assert!(!task.is_finished());
        drop(proxies);
        while !task.is_finished() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn the_watcher_stands_still_once_no_proxy_is_in_use() {
        let second = Duration::from_secs(1);
        let proxies = Proxies::new(Tcp::new_with_resolver(Resolver::new()), second, second);
        assert!(begin_round(&Arc::downgrade(&proxies.0)).is_none());
        let list = ProxyList::parse("http://127.0.0.1:1").unwrap();
        proxies.in_turn(&list);
        assert!(begin_round(&Arc::downgrade(&proxies.0)).is_some());
        proxies.0.watched().standings = Standings::default();
        assert!(begin_round(&Arc::downgrade(&proxies.0)).is_none());
        assert!(proxies.0.watched().watcher.is_none());
    }
}
