//! The one place that opens connections to providers: pools, TLS, timers.
//!
//! Dialects are pure; what they encode goes through a [`Transport`], and what comes back is an
//! [`UpstreamBody`] whose reader never waits longer than the idle timer.

mod body;
mod builder;
pub(crate) mod failure;
mod pool;

pub(crate) use body::UpstreamBody;
pub use builder::{Timeouts, TransportBuilder};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::time::Instant;

use crate::error::Result;
use crate::wire::Endpoint;
use pool::Pool;

/// Connections to upstreams, pooled by origin. A clone shares the pools.
#[derive(Clone)]
pub struct Transport {
    pool: Pool,
    timeouts: Timeouts,
}

impl Transport {
    /// A transport with other timers, or other TLS settings, than the defaults.
    pub fn builder() -> TransportBuilder {
        TransportBuilder::default()
    }

    /// The timers in force.
    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// When an answer to a request that is sent now must have begun.
    pub(crate) fn first_event_deadline(&self) -> Instant {
        Instant::now() + self.timeouts.first_event
    }

    /// Sends a request, whose URL is `endpoint`, and awaits the head of the answer until `deadline`.
    ///
    /// # Errors
    /// `UpstreamUnreachable` or `UpstreamTimeout`; neither names the address.
    ///
    /// # Cancel safety
    /// Dropped, it drops the request.
    pub(crate) async fn send(
        &self,
        endpoint: &Endpoint,
        request: Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Result<Response<UpstreamBody>> {
        match tokio::time::timeout_at(deadline, self.pool.send(endpoint, request)).await {
            Ok(Ok((response, lease))) => {
                Ok(response.map(|body| UpstreamBody::new(body, lease, self.timeouts.idle)))
            }
            Ok(Err(cause)) => Err(failure::of_request(cause)),
            Err(_) => Err(failure::too_slow(
                "the provider did not begin to answer in time",
            )),
        }
    }
}
