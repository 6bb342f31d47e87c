use std::fmt;
use std::sync::Arc;

use http::uri::Scheme;
use http::{HeaderValue, Uri};

use crate::error::{Error, ErrorKind, Result};

/// The target of requests, split into its parts once for all of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    uri: Uri,
    origin: Origin,
    /// Path and query only: the request target in HTTP/1.1 (RFC 9112, section 3.2.1).
    path: Uri,
    host: HeaderValue,
}

/// The key by which connections are pooled: scheme, host and port (RFC 6454), as
/// `https://host:port`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin(Arc<str>);

impl Endpoint {
    /// Splits `uri` into its parts.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when it has no scheme, or its host is not a valid header value.
    pub fn new(uri: Uri) -> Result<Self> {
        let parts = uri.clone().into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(incomplete());
        };
        let default_port = if scheme == Scheme::HTTPS { 443 } else { 80 };
        let host = match authority.port_u16() {
            Some(port) if port != default_port => HeaderValue::from_str(authority.as_str()),
            _ => HeaderValue::from_str(authority.host()),
        };
        let origin = format!("{scheme}://{authority}").to_ascii_lowercase();
        let path = parts.path_and_query.map(Uri::from).unwrap_or_default();
        Ok(Self {
            uri,
            origin: Origin(origin.into()),
            path,
            host: host.map_err(|_| incomplete())?,
        })
    }

    /// The whole URL.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The key under which its connections are pooled.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Its path and query.
    pub fn path(&self) -> &Uri {
        &self.path
    }

    /// The value of the `Host` header, without the scheme's default port.
    pub fn host(&self) -> &HeaderValue {
        &self.host
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.uri).finish()
    }
}

fn incomplete() -> Error {
    Error::new(
        ErrorKind::Internal,
        "an upstream URL has no scheme or no host",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_a_port_only_where_it_must() {
        for (uri, host, path) in [
            ("https://a.example/v1/x?y=z", "a.example", "/v1/x?y=z"),
            ("https://a.example:443/", "a.example", "/"),
            ("http://a.example:443/", "a.example:443", "/"),
            ("http://[::1]:80/x", "[::1]", "/x"),
            ("http://127.0.0.1:8080", "127.0.0.1:8080", "/"),
        ] {
            let endpoint = Endpoint::new(uri.parse().unwrap()).unwrap();
            assert_eq!(endpoint.host(), host, "{uri}");
            assert_eq!(endpoint.path(), path, "{uri}");
        }
        assert!(Endpoint::new("/v1".parse().unwrap()).is_err());
    }
}
