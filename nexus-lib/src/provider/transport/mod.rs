//! The only place that opens connections to providers: pools, proxies, TLS, timeouts.
//!
//! Dialects are pure; what they encode is sent through a [`Transport`], and the answer is an
//! [`UpstreamBody`] whose reader never waits longer than the idle timeout.

mod body;
mod builder;
mod cause;
pub(crate) mod failure;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod http1;
mod pool;
mod proxy;
mod resolver;
mod timeouts;

pub(crate) use body::UpstreamBody;
pub use builder::TransportBuilder;
pub use timeouts::Timeouts;

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{Request, Response};
use tokio::time::Instant;

use crate::body_memory::BodyMemory;
use crate::call::Target;
use crate::error::{Cause, Result};
use crate::late::timeout_at;
use crate::provider::Manner;
use crate::wire::{Endpoint, ProxyList};
use pool::Pool;

/// Connections to upstreams, pooled by origin and proxies. A clone shares the pools.
#[derive(Clone)]
pub struct Transport {
    pool: Pool,
    timeouts: Timeouts,
    /// The memory in which whole answers are counted, once a gateway sets it.
    memory: Arc<OnceLock<BodyMemory>>,
    /// How its gateway translates, once one sets it.
    manner: Arc<OnceLock<Manner>>,
}

opaque_debug!(Transport);

impl Transport {
    /// Builds a transport with other timeouts or TLS settings than the defaults.
    pub fn builder() -> TransportBuilder {
        TransportBuilder::default()
    }

    /// Counts whole answers in `memory`. If several gateways share the transport, the first one's
    /// is used.
    pub(crate) fn count_in(&self, memory: BodyMemory) {
        let _ = self.memory.set(memory);
    }

    /// Sets how providers that an application builds with this transport translate. If several
    /// gateways share the transport, the first one's manner is used.
    pub(crate) fn translate_as(&self, manner: Manner) {
        let _ = self.manner.set(manner);
    }

    /// The manner of its gateway.
    pub(crate) fn manner(&self) -> &Manner {
        self.manner.get_or_init(Manner::default)
    }

    /// The timeouts.
    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// The timeouts for `target`.
    pub(crate) fn timeouts_for(&self, target: &Target) -> Timeouts {
        self.timeouts.of(target)
    }

    /// Sends a request to the URL `endpoint`, and awaits the head of the answer until `deadline`.
    /// The other two timeouts are those of `timeouts`. With `proxies` it is sent through one of
    /// them, and never bypasses them.
    ///
    /// # Errors
    /// `UpstreamUnreachable` or `UpstreamTimeout`; neither contains the address.
    ///
    /// # Cancel safety
    /// If dropped, the request is dropped.
    pub(crate) async fn send(
        &self,
        endpoint: &Endpoint,
        proxies: Option<&Arc<ProxyList>>,
        request: Request<Bytes>,
        timeouts: &Timeouts,
        deadline: Instant,
    ) -> Result<Response<UpstreamBody>> {
        let timeout = timeouts.connect;
        let sent = self.pool.send(endpoint, proxies, request, timeout);
        match timeout_at(deadline, sent).await {
            Ok(Ok(response)) => Ok(response.map(|body| {
                let memory = Arc::clone(&self.memory);
                UpstreamBody::new(body, timeouts.idle, memory)
            })),
            Ok(Err(cause)) => Err(failure::of_request(cause, proxies.is_some())),
            Err(_) => {
                let message = match proxies {
                    None => "the provider did not start to answer in time; try again",
                    Some(_) => {
                        "the provider did not start to answer through its proxy in time; try again"
                    }
                };
                Err(failure::too_slow(message, Cause::FirstEventTimeout))
            }
        }
    }
}
