use std::net::IpAddr;
use std::task::{Context, Poll};

use hyper::Request;
use nexus_lib::http::ClientAddr;
use tower::Service;

/// Passes the client's address to the service, for its logs and limits; optional, for a port where
/// every allocation counts.
#[derive(Debug, Clone)]
pub(crate) struct FromClient<S> {
    inner: S,
    client: Option<ClientAddr>,
}

impl<S> FromClient<S> {
    pub(crate) fn new(inner: S, client: Option<IpAddr>) -> Self {
        // An IPv4 client of a dual-stack port is shown as such.
        let client = client.map(|client| ClientAddr(client.to_canonical()));
        Self { inner, client }
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for FromClient<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        if let Some(client) = self.client {
            request.extensions_mut().insert(client);
        }
        self.inner.call(request)
    }
}
