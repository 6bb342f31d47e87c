//! Providers behind outbound proxies, which are never bypassed.

mod failures;
mod settings;
mod turns;
mod ways;

use std::time::Duration;

use nexus_lib::router::RetryPolicy;
use nexus_lib::testing::{Answer, ProxyProtocol, ProxyRequest, openai};

use nexus_lib::{Timeouts, Transport};

use crate::support::Rig;

/// Longer than any test takes.
const NEVER: Duration = Duration::from_secs(3600);

/// A gateway with a short proxy timeout that checks proxies which are down every `interval`.
async fn rig(interval: Duration) -> Rig {
    let timeouts = Timeouts::default().connect(Duration::from_secs(1));
    let transport = Transport::builder()
        .timeouts(timeouts)
        .proxy_check_interval(interval)
        .build();
    Rig::with(|builder| {
        builder
            .transport(transport.unwrap())
            .retries(RetryPolicy::NONE)
    })
    .await
}

/// A request as a proxy records it.
fn asked(protocol: ProxyProtocol, target: impl ToString) -> ProxyRequest {
    ProxyRequest::new(protocol, target.to_string())
}

/// An answer that closes its connection.
fn once() -> Answer {
    let body = openai::completion("hi", 1, 1).to_string();
    let length = body.len().to_string();
    let head = [("connection", "close"), ("content-length", &*length)];
    Answer::new().head(200, &head).bytes(body).cut()
}
