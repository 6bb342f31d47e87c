use std::net::{Ipv4Addr, Ipv6Addr};

use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::{HeaderMap, HeaderName, Uri};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};

/// Decides who may drive the gateway.
///
/// With a token: whoever shows it. Without one: whoever is on this machine, but no web page, for a
/// browser will send requests here on behalf of any page that its user opens. A page betrays itself by
/// its `Origin`, or, where it had its own name resolve to this machine, by its `Host`.
#[derive(Clone, Copy)]
pub(super) enum Guard {
    /// The SHA-256 of the token: hashes are compared, so the time that it takes tells nothing.
    Token([u8; 32]),
    Loopback,
}

impl Guard {
    pub(super) fn new(token: Option<&SecretString>) -> Self {
        match token {
            Some(token) => Self::Token(Sha256::digest(token.expose_secret()).into()),
            None => Self::Loopback,
        }
    }

    /// Lets a request pass; `open` says that what it asks for needs no token.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidAdminToken`] or [`ErrorKind::Forbidden`].
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap, open: bool) -> Result<()> {
        match self {
            Self::Token(_) if open => Ok(()),
            Self::Token(expected) => check_token(expected, headers),
            Self::Loopback => check_loopback(uri, headers),
        }
    }
}

fn check_token(expected: &[u8; 32], headers: &HeaderMap) -> Result<()> {
    let given = sole(headers, &AUTHORIZATION)?.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then_some(token.trim())
    });
    match given {
        Some(token) if Sha256::digest(token).as_slice() == expected => Ok(()),
        given => Err(Error::new(
            ErrorKind::InvalidAdminToken,
            match given {
                Some(_) => "the admin token is wrong",
                None => "this needs the admin token; send `Authorization: Bearer TOKEN`",
            },
        )),
    }
}

fn check_loopback(uri: &Uri, headers: &HeaderMap) -> Result<()> {
    // HTTP/2 and proxies put the host into the target instead.
    let target = uri.authority().map(|authority| authority.as_str());
    let header = sole(headers, &HOST)?;
    let mut hosts = [target, header].into_iter().flatten().peekable();
    if hosts.peek().is_none() {
        return Err(forbidden("the request names no `Host`"));
    }
    let mut host = None;
    for text in hosts {
        let authority = Authority::parse(text).filter(Authority::is_loopback);
        host = Some(authority.ok_or_else(|| forbidden("its `Host` is not a loopback name"))?);
    }
    let Some(origin) = sole(headers, &ORIGIN)? else {
        return Ok(());
    };
    match origin.strip_prefix("http://").and_then(Authority::parse) {
        same if same.is_some() && same == host => Ok(()),
        _ => Err(forbidden("its `Origin` is a page of another server")),
    }
}

fn forbidden(why: &str) -> Error {
    Error::new(
        ErrorKind::Forbidden,
        format!(
            "refused: {why}; without an admin token this port is for programs and pages of this \
             machine, by the name localhost or a loopback address"
        ),
    )
}

/// The one value of a header; it must not be there twice, lest two readers take different ones.
fn sole<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(|value| value.to_str());
    match (value.transpose(), values.next()) {
        (Ok(value), None) => Ok(value),
        _ => Err(Error::new(
            ErrorKind::InvalidRequest,
            format!("the header `{name}` must be given once, in visible ASCII"),
        )),
    }
}

/// `host[:port]`, read as browsers do.
#[derive(Debug, PartialEq, Eq)]
struct Authority {
    /// In lower case; an IPv6 address keeps its brackets.
    host: String,
    port: u16,
}

impl Authority {
    fn parse(text: &str) -> Option<Self> {
        let end = match text.rfind(']') {
            Some(bracket) => bracket + 1,
            None => text.find(':').unwrap_or(text.len()),
        };
        let (host, port) = text.split_at_checked(end)?;
        let port = match port.strip_prefix(':') {
            Some(digits) => digits.parse().ok()?,
            None if port.is_empty() => 80,
            None => return None,
        };
        let host = host.to_ascii_lowercase();
        Some(Self { host, port })
    }

    fn is_loopback(&self) -> bool {
        let host = self.host.as_str();
        let bracketed = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        match bracketed {
            Some(address) => address
                .parse::<Ipv6Addr>()
                .is_ok_and(|address| address.is_loopback()),
            None => {
                host == "localhost"
                    || host
                        .strip_suffix(".localhost")
                        .is_some_and(|label| !label.is_empty())
                    || host
                        .parse::<Ipv4Addr>()
                        .is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn loopback(pairs: &[(HeaderName, &str)]) -> bool {
        Guard::Loopback
            .check(&Uri::from_static("/"), &headers(pairs), false)
            .is_ok()
    }

    #[test]
    fn hosts_of_this_machine_pass() {
        for host in [
            "localhost",
            "LocalHost:8000",
            "nexus.localhost:8000",
            "127.0.0.1",
            "127.8.9.10:1",
            "[::1]",
            "[::1]:8000",
        ] {
            assert!(loopback(&[(HOST, host)]), "{host}");
        }
    }

    #[test]
    fn other_hosts_are_refused() {
        for host in [
            "example.com",
            "localhost.example.com",
            "evillocalhost",
            ".localhost",
            "127.0.0.1.example.com",
            "127.0.0.1@example.com",
            "localhost:80@example.com",
            "localhost:x",
            "128.0.0.1",
            "192.168.1.1:8000",
            "0.0.0.0:8000",
            "[::]:8000",
            "[::2]",
            "[::1]x",
            "",
        ] {
            assert!(!loopback(&[(HOST, host)]), "{host}");
        }
        assert!(!loopback(&[]));
        assert!(!loopback(&[(HOST, "localhost"), (HOST, "localhost")]));
        let foreign = Uri::from_static("http://example.com/");
        let named = headers(&[(HOST, "localhost")]);
        assert!(Guard::Loopback.check(&foreign, &named, false).is_err());
    }

    #[test]
    fn only_pages_of_this_server_pass() {
        let page = |origin| loopback(&[(HOST, "localhost:8000"), (ORIGIN, origin)]);
        assert!(page("http://localhost:8000"));
        for origin in [
            "null",
            "http://localhost",
            "http://localhost:8001",
            "http://127.0.0.1:8000",
            "https://localhost:8000",
            "http://example.com",
            "http://localhost:8000.example.com",
            "",
        ] {
            assert!(!page(origin), "{origin}");
        }
        assert!(loopback(&[
            (HOST, "localhost"),
            (ORIGIN, "http://localhost:80")
        ]));
    }

    #[test]
    fn token_is_asked_of_all_but_probes() {
        let guard = Guard::new(Some(&"s3cret".into()));
        let check = |value: &str, probe| {
            let headers = headers(&[(AUTHORIZATION, value)]);
            guard.check(&Uri::from_static("/"), &headers, probe)
        };
        assert!(check("Bearer s3cret", false).is_ok());
        assert!(check("bearer  s3cret", false).is_ok());
        assert!(check("Basic s3cret", true).is_ok());
        for wrong in [
            "Bearer s3cre",
            "Bearer s3crets",
            "Bearer",
            "Basic s3cret",
            "s3cret",
        ] {
            let error = check(wrong, false).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidAdminToken, "{wrong}");
        }
    }
}
