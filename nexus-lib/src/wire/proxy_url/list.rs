use std::fmt;

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{ProxyUrl, refused};
use crate::error::Result;

/// Proxies in the order in which they are tried: 1 to 16.
///
/// ```
/// use nexus_lib::wire::ProxyList;
///
/// let proxies = ProxyList::parse("http://a.example:3128, socks5h://u:secret@b.example")?;
/// assert_eq!(proxies.to_string(), "http://a.example:3128,socks5h://u:***@b.example:1080");
/// # Ok::<(), nexus_lib::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProxyList(Box<[ProxyUrl]>);

impl ProxyList {
    /// The maximum number of proxies in a list.
    pub const MAX: usize = 16;

    /// Parses URLs separated by commas; surrounding whitespace is ignored.
    ///
    /// # Errors
    /// Those of [`ProxyUrl::parse`]; also when there is none, when there are too many, and when a
    /// password is `***`, which is the mask of an existing one.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_shown(text, None)
    }

    /// Parses text that may contain masked proxies: a proxy with a masked secret stands for the one
    /// in `present` that is displayed the same way.
    ///
    /// # Errors
    /// Those of [`parse`](Self::parse).
    pub fn parse_shown(text: &str, present: Option<&Self>) -> Result<Self> {
        // Two of them may be displayed alike, so matching them one by one would not work.
        if let Some(present) = present.filter(|present| present.to_string() == text.trim()) {
            return Ok(present.clone());
        }
        // Count them before parsing any.
        if text.split(',').count() > Self::MAX {
            return Err(refused("a list of proxies may have at most 16"));
        }
        let proxies = text.split(',').map(|text| {
            let text = text.trim();
            if text.is_empty() {
                return Err(refused(
                    "a list of proxies must not be empty or have an empty entry",
                ));
            }
            let proxy = ProxyUrl::parse(text)?;
            match proxy.is_masked() {
                true => unmasked(&proxy, present),
                false => Ok(proxy),
            }
        });
        proxies.collect::<Result<_>>().map(Self)
    }

    /// The proxies in order of preference.
    pub fn iter(&self) -> impl Iterator<Item = &ProxyUrl> {
        self.0.iter()
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        // At most `MAX`.
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// The list with its credentials: what [`parse`](Self::parse) reads back.
    pub fn expose(&self) -> SecretString {
        let mut text = Zeroizing::new(String::new());
        for proxy in &self.0 {
            if !text.is_empty() {
                text.push(',');
            }
            proxy.expose(&mut text);
        }
        SecretString::from(text.as_str())
    }
}

fn unmasked(proxy: &ProxyUrl, present: Option<&ProxyList>) -> Result<ProxyUrl> {
    let shown = proxy.to_string();
    let mut present = present.into_iter().flat_map(ProxyList::iter);
    present
        .find(|present| present.to_string() == shown)
        .cloned()
        .ok_or_else(|| {
            refused(
                "a proxy URL has a masked password that matches no existing proxy: send the \
                     password in full",
            )
        })
}

/// The proxies, separated by commas, each with its password masked.
impl fmt::Display for ProxyList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, proxy) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{proxy}")?;
        }
        Ok(())
    }
}
