//! The baseline: a minimal reverse proxy that does nothing else.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::uri::{Authority, Parts, Scheme};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{Either, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

/// Hop-by-hop headers, which a proxy must not forward.
const HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

type Answer = Response<Either<Incoming, Empty<Bytes>>>;

/// Serves on this runtime for as long as it lives; returns its address.
pub(crate) async fn serve(upstream: SocketAddr) -> io::Result<SocketAddr> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let proxy = Proxy {
        client,
        authority: Authority::try_from(upstream.to_string()).map_err(io::Error::other)?,
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if stream.set_nodelay(true).is_err() {
                continue;
            }
            let proxy = proxy.clone();
            tokio::spawn(http1::Builder::new().serve_connection(
                TokioIo::new(stream),
                service_fn(move |request| proxy.clone().forward(request)),
            ));
        }
    });
    Ok(address)
}

#[derive(Clone)]
struct Proxy {
    client: Client<HttpConnector, Incoming>,
    authority: Authority,
}

impl Proxy {
    async fn forward(self, mut request: Request<Incoming>) -> Result<Answer, Infallible> {
        let mut parts = Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.authority);
        parts.path_and_query = request.uri().path_and_query().cloned();
        let Ok(uri) = Uri::from_parts(parts) else {
            return Ok(failed(StatusCode::BAD_REQUEST));
        };
        *request.uri_mut() = uri;
        drop_hop(request.headers_mut());
        // The client sets the upstream's own.
        request.headers_mut().remove(HOST);
        match self.client.request(request).await {
            Ok(mut response) => {
                drop_hop(response.headers_mut());
                Ok(response.map(Either::Left))
            }
            Err(_) => Ok(failed(StatusCode::BAD_GATEWAY)),
        }
    }
}

fn drop_hop(headers: &mut HeaderMap) {
    for name in &HOP {
        headers.remove(name);
    }
}

fn failed(status: StatusCode) -> Answer {
    let mut response = Response::new(Either::Right(Empty::new()));
    *response.status_mut() = status;
    response
}
