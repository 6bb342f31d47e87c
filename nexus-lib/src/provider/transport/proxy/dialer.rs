use std::net::IpAddr;
use std::time::Duration;

use http::Uri;
use tokio::net::TcpStream;
use tower::Service;

use super::socks5::Address;
use super::{Destination, DialError, http_connect, socks5};
use crate::provider::transport::resolver::{Resolver, Tcp};
use crate::wire::{ProxyScheme, ProxyUrl};

/// How many of an upstream's addresses are tried through one proxy, if names are resolved here.
const MAX_ADDRESSES: usize = 4;

/// Opens tunnels through single proxies.
#[derive(Clone)]
pub(super) struct Dialer {
    tcp: Tcp,
}

impl Dialer {
    pub(super) fn new(tcp: Tcp) -> Self {
        Self { tcp }
    }

    /// A tunnel through `proxy` to `destination`. `timeout` covers all of it, including the
    /// connection to the proxy.
    ///
    /// # Cancel safety
    /// If dropped, the connection is dropped.
    pub(super) async fn dial(
        &self,
        proxy: &ProxyUrl,
        destination: &Destination,
        timeout: Duration,
    ) -> Result<TcpStream, DialError> {
        in_time(timeout, self.tunnel(proxy, destination)).await
    }

    /// Whether `proxy` is up: it accepts a connection and, for SOCKS, our credentials.
    ///
    /// # Cancel safety
    /// As for [`dial`](Self::dial).
    pub(super) async fn check(&self, proxy: &ProxyUrl, timeout: Duration) -> Result<(), DialError> {
        let check = async {
            let mut stream = self.reach(proxy).await?;
            match proxy.scheme() {
                ProxyScheme::Http => Ok(()),
                ProxyScheme::Socks5 | ProxyScheme::Socks5h => {
                    socks5::greet(&mut stream, proxy).await
                }
            }
        };
        in_time(timeout, check).await
    }

    async fn tunnel(
        &self,
        proxy: &ProxyUrl,
        destination: &Destination,
    ) -> Result<TcpStream, DialError> {
        let host = destination.host.as_str();
        match (proxy.scheme(), host.parse::<IpAddr>()) {
            (ProxyScheme::Http, _) => {
                let stream = self.reach(proxy).await?;
                http_connect::tunnel(stream, proxy, destination).await
            }
            (_, Ok(ip)) => self.socks(proxy, &Address::Ip(ip), destination).await,
            (ProxyScheme::Socks5h, Err(_)) => {
                self.socks(proxy, &Address::Name(host), destination).await
            }
            (ProxyScheme::Socks5, Err(_)) => self.socks_resolved(proxy, destination).await,
        }
    }

    /// Resolves the upstream's name here and tries its addresses in turn, like a direct connection.
    async fn socks_resolved(
        &self,
        proxy: &ProxyUrl,
        destination: &Destination,
    ) -> Result<TcpStream, DialError> {
        let found = Resolver::resolve(&destination.host, destination.port).await;
        let found = found.map_err(DialError::beyond)?;
        let mut failure = DialError::beyond("the upstream's name has no address");
        for address in found.into_iter().take(MAX_ADDRESSES) {
            let address = Address::Ip(address.ip());
            match self.socks(proxy, &address, destination).await {
                Err(DialError::Beyond(cause)) => failure = DialError::Beyond(cause),
                outcome => return outcome,
            }
        }
        Err(failure)
    }

    async fn socks(
        &self,
        proxy: &ProxyUrl,
        address: &Address<'_>,
        destination: &Destination,
    ) -> Result<TcpStream, DialError> {
        let mut stream = self.reach(proxy).await?;
        socks5::greet(&mut stream, proxy).await?;
        socks5::connect(&mut stream, address, destination.port).await?;
        Ok(stream)
    }

    async fn reach(&self, proxy: &ProxyUrl) -> Result<TcpStream, DialError> {
        let authority = format!("{}:{}", proxy.host(), proxy.port());
        let uri = Uri::builder()
            .scheme("http")
            .authority(authority)
            .path_and_query("/")
            .build()
            .map_err(DialError::proxy)?;
        let stream = self.tcp.clone().call(uri).await.map_err(DialError::proxy)?;
        Ok(stream.into_inner())
    }
}

async fn in_time<T>(
    timeout: Duration,
    work: impl Future<Output = Result<T, DialError>>,
) -> Result<T, DialError> {
    tokio::time::timeout(timeout, work)
        .await
        .unwrap_or_else(|_| Err(DialError::proxy("the proxy did not open a tunnel in time")))
}
