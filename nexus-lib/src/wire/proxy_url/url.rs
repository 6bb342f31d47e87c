use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::Ipv6Addr;

use super::credentials::Credentials;
use super::refused;
use crate::error::Result;
use http::uri::Authority;
use zeroize::Zeroizing;

/// The protocol between gateway and proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyScheme {
    /// HTTP's `CONNECT` (RFC 9110, section 9.3.6), for https and for http upstreams.
    Http,
    /// SOCKS 5 (RFC 1928); the gateway resolves the upstream's name.
    Socks5,
    /// SOCKS 5; the proxy resolves the upstream's name.
    Socks5h,
}

impl ProxyScheme {
    /// As written in a URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }

    /// The default port: 80 for `http`, as in every other URL of this scheme (RFC 9110, section
    /// 4.2.1), and 1080 for SOCKS, as registered with IANA. Go's `net/http` does the same; curl
    /// uses 1080 for all of them.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Socks5 | Self::Socks5h => 1080,
        }
    }

    fn named(name: &str) -> Option<Self> {
        let all = [Self::Http, Self::Socks5, Self::Socks5h];
        all.into_iter()
            .find(|scheme| scheme.as_str().eq_ignore_ascii_case(name))
    }
}

/// An outbound proxy: its protocol, address and credentials.
///
/// ```
/// use nexus_lib::wire::ProxyUrl;
///
/// let proxy = ProxyUrl::parse("http://user:secret@proxy.example:3128")?;
/// assert_eq!(proxy.to_string(), "http://user:***@proxy.example:3128");
/// assert_eq!(proxy.address(), "http://proxy.example:3128");
/// # Ok::<(), nexus_lib::Error>(())
/// ```
#[derive(Clone)]
pub struct ProxyUrl {
    scheme: ProxyScheme,
    credentials: Option<Credentials>,
    /// In lower case; an IPv6 address keeps its brackets.
    host: Box<str>,
    port: u16,
}

impl ProxyUrl {
    const MAX_CHARS: usize = 2048;

    /// Parses `scheme://[user[:password]@]host[:port][/]`, where the scheme is `http`, `socks5` or
    /// `socks5h`. User and password are percent-decoded. The port defaults to
    /// [`default_port`](ProxyScheme::default_port).
    ///
    /// # Errors
    /// [`ErrorKind::Unprocessable`](crate::ErrorKind::Unprocessable), for the parameter
    /// `proxy_url`, when it has another form, a path, a query or a fragment, or credentials that
    /// cannot be sent. No message contains credentials.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > Self::MAX_CHARS {
            return Err(refused("a proxy URL may have at most 2048 characters"));
        }
        let (scheme, rest) = split_scheme(text)?;
        if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refused(
                "a proxy URL may only contain visible ASCII characters; percent-encode all others",
            ));
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#', '\\']) {
            return Err(refused(
                "a proxy URL must not have a path, a query or a fragment; percent-encode `/`, `?` \
                 and `#` in a password",
            ));
        }
        let (credentials, address) = match rest.rsplit_once('@') {
            Some((credentials, address)) => (Some(credentials), address),
            None => (None, rest),
        };
        let (host, port) = split_address(address)?;
        let proxy = Self {
            scheme,
            credentials: credentials
                .map(|text| Credentials::parse(text, scheme))
                .transpose()?,
            host: host.to_ascii_lowercase().into(),
            port: port.unwrap_or(scheme.default_port()),
        };
        // The written form may be longer: it includes the port, and escapes more. It is stored in
        // that form and must be accepted again at the next start.
        let mut written = Zeroizing::new(String::new());
        proxy.expose(&mut written);
        if written.len() > Self::MAX_CHARS {
            return Err(refused(
                "a proxy URL may have at most 2048 characters, with its credentials \
                 percent-encoded",
            ));
        }
        Ok(proxy)
    }

    /// The proxy's protocol.
    pub fn scheme(&self) -> ProxyScheme {
        self.scheme
    }

    /// Its name or address in lower case; an IPv6 address has brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// User and password as they are sent to the proxy; the password is empty if there is none.
    pub fn expose_credentials(&self) -> Option<(&str, &str)> {
        self.credentials.as_ref().map(Credentials::expose)
    }

    /// Its address without credentials, for logs.
    pub fn address(&self) -> String {
        format!("{}://{}:{}", self.scheme.as_str(), self.host, self.port)
    }

    /// Whether one of its secrets is only the stars of a mask.
    pub(super) fn is_masked(&self) -> bool {
        self.credentials
            .as_ref()
            .is_some_and(Credentials::is_masked)
    }

    /// Writes the URL with its credentials: what [`parse`](Self::parse) reads back.
    pub(super) fn expose(&self, to: &mut String) {
        to.push_str(self.scheme.as_str());
        to.push_str("://");
        if let Some(credentials) = &self.credentials {
            credentials.write(to);
        }
        to.push_str(&self.host);
        to.push(':');
        to.push_str(&self.port.to_string());
    }
}

impl PartialEq for ProxyUrl {
    fn eq(&self, other: &Self) -> bool {
        (self.scheme, self.port, &self.host) == (other.scheme, other.port, &other.host)
            && self.credentials == other.credentials
    }
}

impl Eq for ProxyUrl {}

impl Hash for ProxyUrl {
    /// Without credentials: few proxies differ in nothing else.
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.scheme, self.port, &self.host).hash(state);
    }
}

/// The URL with three stars in place of the password, or of the user if there is no password.
impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme.as_str())?;
        if let Some(credentials) = &self.credentials {
            write!(f, "{credentials}")?;
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyUrl({self})")
    }
}

fn split_scheme(text: &str) -> Result<(ProxyScheme, &str)> {
    const KNOWN: &str = "http://, socks5:// or socks5h://";
    let no_scheme = || {
        refused(format!(
            "a proxy URL must begin with {KNOWN}, as in http://user:password@proxy.example:3128"
        ))
    };
    let (name, rest) = text.split_once("://").ok_or_else(no_scheme)?;
    if let Some(scheme) = ProxyScheme::named(name) {
        return Ok((scheme, rest));
    }
    // RFC 3986, section 3.1. Anything else is not repeated: it may be a misplaced password.
    let is_name = name.len() <= 16
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    match is_name {
        true => Err(refused(format!(
            "the proxy scheme `{name}` is not supported; use {KNOWN}"
        ))),
        false => Err(no_scheme()),
    }
}

/// Splits `host`, `[host]` and an optional port.
fn split_address(address: &str) -> Result<(&str, Option<u16>)> {
    let unreadable =
        || refused("a proxy URL needs a host, and a port from 1 to 65535 if it has a `:`");
    let authority: Authority = address.parse().map_err(|_| unreadable())?;
    let host = &address[..authority.host().len()];
    let port = match address[host.len()..].strip_prefix(':') {
        None => None,
        Some(_) => match authority.port_u16() {
            Some(0) | None => return Err(unreadable()),
            port => port,
        },
    };
    let is_host = match host.strip_prefix('[') {
        Some(rest) => rest
            .strip_suffix(']')
            .is_some_and(|text| text.parse::<Ipv6Addr>().is_ok()),
        None => {
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            !host.is_empty() && host.bytes().all(is_name)
        }
    };
    match is_host {
        true => Ok((host, port)),
        false => Err(unreadable()),
    }
}
