//! The one place that opens connections to providers: pools, proxies, TLS, timers.
//!
//! Dialects are pure; what they encode goes through a [`Transport`], and what comes back is an
//! [`UpstreamBody`] whose reader never waits longer than the idle timer.

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
use crate::memory::Recent;
use crate::wire::{Endpoint, ProxyList};
use pool::Pool;

/// Connections to upstreams, pooled by origin and by the way there. A clone shares the pools.
#[derive(Clone)]
pub struct Transport {
    pool: Pool,
    timeouts: Timeouts,
    /// What answers that are held whole count in, once a gateway says so.
    memory: Arc<OnceLock<BodyMemory>>,
    /// How the gateway that it works for translates, once one says so.
    manner: Arc<OnceLock<Manner>>,
}

/// How a gateway translates requests and answers.
#[derive(Clone, Default)]
pub(crate) struct Manner {
    /// Nothing of a request is left out.
    pub(crate) is_strict: bool,
    /// What is remembered of answers.
    pub(crate) recent: Recent,
}

impl Transport {
    /// A transport with other timers, or other TLS settings, than the defaults.
    pub fn builder() -> TransportBuilder {
        TransportBuilder::default()
    }

    /// Counts answers that are held whole in `memory`. The first one stays, where several gateways share the
    /// transport.
    pub(crate) fn count_in(&self, memory: BodyMemory) {
        let _ = self.memory.set(memory);
    }

    /// Lets providers that an application makes over this transport translate in this manner. The first one
    /// stays, where several gateways share the transport.
    pub(crate) fn translate_as(&self, manner: Manner) {
        let _ = self.manner.set(manner);
    }

    /// The manner of the gateway that it works for.
    pub(crate) fn manner(&self) -> &Manner {
        self.manner.get_or_init(Manner::default)
    }

    /// The timers in force.
    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// The timers in force for `target`.
    pub(crate) fn timeouts_for(&self, target: &Target) -> Timeouts {
        self.timeouts.of(target)
    }

    /// Sends a request, whose URL is `endpoint`, and awaits the head of the answer until `deadline`. The
    /// other two timers are those of `timeouts`. With `proxies` it goes through one of these, and never
    /// around them.
    ///
    /// # Errors
    /// `UpstreamUnreachable` or `UpstreamTimeout`; neither names the address.
    ///
    /// # Cancel safety
    /// Dropped, it drops the request.
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
                    None => "the provider did not begin to answer in time",
                    Some(_) => "the provider did not begin to answer through its proxy in time",
                };
                Err(failure::too_slow(message, Cause::FirstEventTimeout))
            }
        }
    }
}
