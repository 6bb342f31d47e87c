/// A tokenizer's encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    #[cfg(feature = "estimate")]
    O200k,
    #[cfg(feature = "estimate")]
    Cl100k,
    /// None: one token per four bytes, OpenAI's rule of thumb for English text.
    FourBytes,
}

impl Encoding {
    /// The encoding of a model by its name, as in tiktoken's `model.py`; the newest for all others.
    #[cfg(feature = "estimate")]
    pub(super) fn of(model: &str) -> Self {
        // Aggregators put the vendor's name in front.
        let name = model.rsplit('/').next().unwrap_or(model);
        // Azure writes `gpt-35`.
        let older = ["gpt-4-", "gpt-3.5", "gpt-35"];
        if name == "gpt-4" || older.iter().any(|prefix| name.starts_with(prefix)) {
            return Self::Cl100k;
        }
        Self::O200k
    }

    #[cfg(not(feature = "estimate"))]
    pub(super) fn of(_model: &str) -> Self {
        Self::FourBytes
    }

    /// Its bit in a set of encodings.
    pub(super) fn bit(self) -> u8 {
        match self {
            #[cfg(feature = "estimate")]
            Self::O200k => 1,
            #[cfg(feature = "estimate")]
            Self::Cl100k => 2,
            Self::FourBytes => 4,
        }
    }

    /// The tokens of `text`. The first call for an encoding loads its ranks, once per process.
    pub(super) fn count(self, text: &str) -> u64 {
        let tokens = match self {
            #[cfg(feature = "estimate")]
            Self::O200k => tiktoken_rs::o200k_base_singleton().count_ordinary(text),
            #[cfg(feature = "estimate")]
            Self::Cl100k => tiktoken_rs::cl100k_base_singleton().count_ordinary(text),
            Self::FourBytes => text.len().div_ceil(4),
        };
        u64::try_from(tokens).unwrap_or(u64::MAX)
    }
}
