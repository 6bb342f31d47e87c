use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service;

use super::Proxies;
use crate::error::BoxError;
use crate::wire::ProxyList;

/// Connects through a list of proxies: the connector below TLS.
pub(in crate::provider::transport) struct ThroughProxies {
    proxies: Proxies,
    list: Arc<ProxyList>,
    timeout: Duration,
}

impl ThroughProxies {
    pub(super) fn new(proxies: Proxies, list: Arc<ProxyList>, timeout: Duration) -> Self {
        Self {
            proxies,
            list,
            timeout,
        }
    }
}

impl Service<Uri> for ThroughProxies {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (proxies, list, timeout) = (self.proxies.clone(), Arc::clone(&self.list), self.timeout);
        Box::pin(async move {
            let stream = proxies.connect(&list, &uri, timeout).await?;
            Ok(TokioIo::new(stream))
        })
    }
}
