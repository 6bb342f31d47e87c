/// The vendor behind a common protocol, where it is known to reject what others ignore.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Vendor {
    /// Groq: rejects unknown members.
    Groq,
    /// Cerebras: rejects unknown members.
    Cerebras,
    /// Mistral: rejects unknown members.
    Mistral,
    /// Any other.
    #[default]
    Other,
}

impl Vendor {
    /// The vendor at `host`.
    pub(crate) fn at(host: &str) -> Self {
        const KNOWN: [(&str, Vendor); 3] = [
            ("groq.com", Vendor::Groq),
            ("cerebras.ai", Vendor::Cerebras),
            ("mistral.ai", Vendor::Mistral),
        ];
        let mut known = KNOWN.into_iter();
        let found = known.find(|(domain, _)| is_of(host.as_bytes(), domain.as_bytes()));
        found.map_or(Self::Other, |(_, vendor)| vendor)
    }

    /// Whether assistant messages may contain reasoning (`reasoning_content`).
    pub(crate) fn takes_thoughts(self) -> bool {
        self == Self::Other
    }
}

/// Whether `host` is `domain` or a subdomain.
fn is_of(host: &[u8], domain: &[u8]) -> bool {
    let Some((before, end)) = host
        .len()
        .checked_sub(domain.len())
        .map(|at| host.split_at(at))
    else {
        return false;
    };
    end.eq_ignore_ascii_case(domain) && (before.is_empty() || before.ends_with(b"."))
}
