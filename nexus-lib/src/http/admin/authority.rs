use std::net::{Ipv4Addr, Ipv6Addr};

/// `host[:port]`, parsed like browsers do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Authority {
    /// In lower case; an IPv6 address keeps its brackets.
    host: String,
    port: u16,
}

impl Authority {
    pub(super) fn parse(text: &str) -> Option<Self> {
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

    pub(super) fn is_loopback(&self) -> bool {
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
