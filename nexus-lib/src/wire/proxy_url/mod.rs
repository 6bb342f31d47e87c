//! Outbound proxies, as their operator writes them.
//!
//! A [`ProxyUrl`] is one of them, a [`ProxyList`] those that a provider may be reached through. Both
//! may hold a password, and neither shows it: `Display` and `Debug` have three stars in its place.

mod credentials;
mod list;
mod percent;
mod url;

pub use list::ProxyList;
pub use url::{ProxyScheme, ProxyUrl};

use crate::error::{Error, ErrorKind};

fn refused(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Unprocessable, message).with_param("proxy_url")
}

#[cfg(test)]
mod tests;

pub(crate) use percent::decoded as percent_decoded;
