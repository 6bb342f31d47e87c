use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Body as _;
use hyper::body::Incoming;

use super::Inner;
use super::connection::{Connection, Exclusive};
use crate::error::BoxError;
use crate::wire::{Origin, ProxyList};

/// The body of an answer, with its connection.
pub(in crate::provider::transport) enum Body {
    /// `None` once the connection was returned.
    Exclusive(Option<Leased>),
    Shared(Incoming),
}

/// A connection that is returned to the pool.
pub(in crate::provider::transport) struct Leased {
    pub(super) pool: Arc<Inner>,
    pub(super) origin: Origin,
    pub(super) proxies: Option<Arc<ProxyList>>,
    pub(super) connection: Exclusive,
}

impl Body {
    /// The next bytes; `None` at the end. With the last bytes the connection becomes available to
    /// others.
    pub(in crate::provider::transport) fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, BoxError>> {
        match self {
            Self::Exclusive(lease) => {
                let Some(leased) = lease else {
                    return Poll::Ready(Ok(None));
                };
                let data = ready!(leased.connection.poll_data(cx))?;
                if leased.connection.is_over()
                    && let Some(leased) = lease.take()
                {
                    leased.give_back();
                }
                Poll::Ready(Ok(data))
            }
            Self::Shared(incoming) => loop {
                match ready!(Pin::new(&mut *incoming).poll_frame(cx)?) {
                    None => return Poll::Ready(Ok(None)),
                    // Trailers are for the next hop.
                    Some(frame) => {
                        if let Ok(data) = frame.into_data() {
                            return Poll::Ready(Ok(Some(data)));
                        }
                    }
                }
            },
        }
    }

    /// Whether nothing more will arrive.
    pub(in crate::provider::transport) fn is_over(&self) -> bool {
        match self {
            Self::Exclusive(lease) => lease.is_none(),
            Self::Shared(incoming) => incoming.is_end_stream(),
        }
    }

    /// The minimum number of bytes left.
    pub(in crate::provider::transport) fn at_least(&self) -> u64 {
        match self {
            Self::Exclusive(lease) => (lease.as_ref())
                .and_then(|leased| leased.connection.left())
                .unwrap_or(0),
            Self::Shared(incoming) => incoming.size_hint().lower(),
        }
    }
}

impl Leased {
    fn give_back(mut self) {
        if self.connection.is_reusable() {
            let connection = Connection::Exclusive(self.connection);
            self.pool
                .put(&self.origin, self.proxies.as_ref(), connection);
        }
    }
}
