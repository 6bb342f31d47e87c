use std::net::IpAddr;
use std::time::Instant;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, Uri};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};
use crate::http::admin::attempts::Attempts;
use crate::http::admin::authority::Authority;

/// Controls access to the admin port.
///
/// With a token: whoever sends it. Without one: any program on this machine, but no web page, since
/// a browser sends requests here on behalf of any page that its user opens. A page is recognised by
/// its `Origin`, by the browser's `Sec-Fetch-Site`, or, if it made its own name resolve to this
/// machine, by its `Host`; and by content types that a page may send to another server without a
/// preflight request.
pub(super) enum Guard {
    Token {
        /// The SHA-256 of the token: hashes are compared, so the time reveals nothing.
        expected: [u8; 32],
        attempts: Attempts,
    },
    Loopback,
}

impl Guard {
    pub(super) fn new(token: Option<&SecretString>) -> Self {
        match token {
            Some(token) => Self::Token {
                expected: Sha256::digest(token.expose_secret()).into(),
                attempts: Attempts::default(),
            },
            None => Self::Loopback,
        }
    }

    /// The kind of access control, for the log.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Token { .. } => "admin token",
            Self::Loopback => "loopback",
        }
    }

    /// Checks a request of `client`; `open` means that its route needs no token.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidAdminToken`], [`ErrorKind::TooManyAttempts`], [`ErrorKind::Forbidden`]
    /// or [`ErrorKind::UnsupportedMediaType`].
    pub(super) fn check(&self, head: &Parts, client: Option<IpAddr>, open: bool) -> Result<()> {
        match self {
            Self::Token { .. } if open => Ok(()),
            Self::Token { expected, attempts } => {
                check_token(expected, attempts, &head.headers, client)
            }
            Self::Loopback => {
                check_loopback(&head.uri, &head.headers)?;
                check_site(head, open)?;
                check_type(head)
            }
        }
    }
}

fn check_token(
    expected: &[u8; 32],
    attempts: &Attempts,
    headers: &HeaderMap,
    client: Option<IpAddr>,
) -> Result<()> {
    let given = sole(headers, &AUTHORIZATION)?.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then_some(token.trim())
    });
    let refused = |message| Err(Error::new(ErrorKind::InvalidAdminToken, message));
    let Some(token) = given else {
        return refused("the admin token is required; send `Authorization: Bearer TOKEN`");
    };
    let now = Instant::now();
    attempts.check(client, now)?;
    if Sha256::digest(token).as_slice() == expected {
        return Ok(());
    }
    attempts.failed(client, now);
    refused("the admin token is wrong")
}

/// Rejects what a browser sends on behalf of another site's page. Some such requests have no
/// `Origin`.
fn check_site(head: &Parts, open: bool) -> Result<()> {
    let Some(site) = sole(&head.headers, &SEC_FETCH_SITE)? else {
        return Ok(());
    };
    // `none` is the user's own action: a typed address or a bookmark.
    if matches!(site, "same-origin" | "none") {
        return Ok(());
    }
    // A link to the console may be on any page.
    let is_link = open
        && head.method == Method::GET
        && sole(&head.headers, &SEC_FETCH_MODE)? == Some("navigate")
        && sole(&head.headers, &SEC_FETCH_DEST)? == Some("document");
    match is_link {
        true => Ok(()),
        false => Err(forbidden("its `Sec-Fetch-Site` is another site")),
    }
}

/// Rejects content types that a page may send to another server without a preflight request.
/// `curl -d` declares a form, but is not a browser: that passes.
fn check_type(head: &Parts) -> Result<()> {
    if !matches!(head.method, Method::POST | Method::PUT) {
        return Ok(());
    }
    let Some(value) = sole(&head.headers, &CONTENT_TYPE)? else {
        return Ok(());
    };
    let media = value.split(';').next().unwrap_or_default().trim();
    let is = |known: &str| media.eq_ignore_ascii_case(known);
    let is_json = is("application/json") || media.to_ascii_lowercase().ends_with("+json");
    let is_of_a_browser = [&ORIGIN, &SEC_FETCH_SITE, &SEC_FETCH_MODE, &SEC_FETCH_DEST]
        .into_iter()
        .any(|name| head.headers.contains_key(name));
    let is_curls = is("application/x-www-form-urlencoded") && !is_of_a_browser;
    match media.is_empty() || is_json || is_curls {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::UnsupportedMediaType,
            "without an admin token the body must be JSON; send `Content-Type: application/json`",
        )),
    }
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

fn check_loopback(uri: &Uri, headers: &HeaderMap) -> Result<()> {
    // HTTP/2 and proxies put the host into the target instead.
    let target = uri.authority().map(|authority| authority.as_str());
    let header = sole(headers, &HOST)?;
    let mut hosts = [target, header].into_iter().flatten().peekable();
    if hosts.peek().is_none() {
        return Err(forbidden("the request has no `Host`"));
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
            "rejected: {why}; without an admin token this port only serves programs and pages of \
             this machine, by the name localhost or a loopback address"
        ),
    )
}

/// The single value of a header; it must not be present twice, since two readers might use
/// different ones.
fn sole<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(|value| value.to_str());
    match (value.transpose(), values.next()) {
        (Ok(value), None) => Ok(value),
        _ => Err(Error::new(
            ErrorKind::InvalidRequest,
            format!("the header `{name}` must be present only once, in visible ASCII"),
        )),
    }
}

#[cfg(test)]
mod tests;
