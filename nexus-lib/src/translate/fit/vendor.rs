/// Who serves a protocol that many serve, where it is known to refuse what others ignore.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Vendor {
    /// Groq: unknown members are refused.
    Groq,
    /// Cerebras: unknown members are refused.
    Cerebras,
    /// Mistral: unknown members are refused.
    Mistral,
    /// Anybody else.
    #[default]
    Other,
}

impl Vendor {
    /// Who is at `host`.
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

    /// Whether messages of the model's may hold what it thought (`reasoning_content`).
    pub(crate) fn takes_thoughts(self) -> bool {
        self == Self::Other
    }
}

/// Whether `host` is `domain` or below it.
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
