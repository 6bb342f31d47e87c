//! Outbound proxies, as operators write them.
//!
//! A [`ProxyUrl`] is one proxy, a [`ProxyList`] those of a provider. Both may contain a password,
//! and neither shows it: `Display` and `Debug` write three stars instead.

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
