use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::UsageReport;

/// More than any request has, and few enough that no sum over a ledger overflows.
const MOST_TOKENS: u64 = 1_000_000_000_000;

/// What a `usage` object says, under all the names that are in use; of a name given twice, the last.
#[derive(Debug, Default)]
pub(super) struct Figures {
    prompt: Option<u64>,
    completion: Option<u64>,
    total: Option<u64>,
    cached: Option<u64>,
    reasoning: Option<u64>,
}

impl Figures {
    /// Whether anything was counted at all.
    pub(super) fn has_count(&self) -> bool {
        self.prompt.or(self.completion).or(self.total).is_some()
    }
}

impl From<Figures> for UsageReport {
    fn from(figures: Figures) -> Self {
        let prompt_tokens = figures.prompt.unwrap_or_default();
        let completion_tokens = figures.completion.unwrap_or_default();
        Self {
            prompt_tokens,
            completion_tokens,
            total_tokens: figures.total.unwrap_or(prompt_tokens + completion_tokens),
            cached_tokens: figures.cached.unwrap_or_default(),
            reasoning_tokens: figures.reasoning.unwrap_or_default(),
        }
    }
}

impl<'de> Deserialize<'de> for UsageReport {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Figures::deserialize(deserializer).map(Self::from)
    }
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Name {
    PromptTokens,
    InputTokens,
    CompletionTokens,
    OutputTokens,
    TotalTokens,
    PromptTokensDetails,
    InputTokensDetails,
    CompletionTokensDetails,
    OutputTokensDetails,
    /// DeepSeek's.
    PromptCacheHitTokens,
    /// Moonshot's at the top, OpenAI's in the details.
    CachedTokens,
    /// In the details, and at the top for some.
    ReasoningTokens,
    #[serde(other)]
    Other,
}

impl<'de> Deserialize<'de> for Figures {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(Tolerant)? {
            Read::Object(figures) => Ok(*figures),
            _ => Ok(Self::default()),
        }
    }
}

/// A value of any type.
enum Read {
    Object(Box<Figures>),
    Figure(u64),
    Gap,
}

impl Read {
    fn figure(self) -> Option<u64> {
        match self {
            Self::Figure(figure) => Some(figure.min(MOST_TOKENS)),
            _ => None,
        }
    }

    fn details(self) -> Figures {
        match self {
            Self::Object(figures) => *figures,
            _ => Figures::default(),
        }
    }
}

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Tolerant)
    }
}

struct Tolerant;

impl<'de> Visitor<'de> for Tolerant {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a usage object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read, A::Error> {
        let mut found = Figures::default();
        // OpenAI's own names beat the others, wherever they stand.
        let mut other = Figures::default();
        while let Some(name) = map.next_key()? {
            if let Name::Other = name {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value: Read = map.next_value()?;
            let (slot, figure) = match name {
                Name::PromptTokens => (&mut found.prompt, value.figure()),
                Name::InputTokens => (&mut other.prompt, value.figure()),
                Name::CompletionTokens => (&mut found.completion, value.figure()),
                Name::OutputTokens => (&mut other.completion, value.figure()),
                Name::TotalTokens => (&mut found.total, value.figure()),
                Name::PromptTokensDetails => (&mut found.cached, value.details().cached),
                Name::InputTokensDetails => (&mut other.cached, value.details().cached),
                Name::CompletionTokensDetails => (&mut found.reasoning, value.details().reasoning),
                Name::OutputTokensDetails => (&mut other.reasoning, value.details().reasoning),
                Name::PromptCacheHitTokens | Name::CachedTokens => {
                    (&mut other.cached, value.figure())
                }
                Name::ReasoningTokens => (&mut other.reasoning, value.figure()),
                Name::Other => continue,
            };
            *slot = figure.or(*slot);
        }
        Ok(Read::Object(Box::new(Figures {
            prompt: found.prompt.or(other.prompt),
            completion: found.completion.or(other.completion),
            total: found.total,
            cached: found.cached.or(other.cached),
            reasoning: found.reasoning.or(other.reasoning),
        })))
    }

    fn visit_u64<E>(self, figure: u64) -> Result<Read, E> {
        Ok(Read::Figure(figure))
    }

    fn visit_i64<E>(self, figure: i64) -> Result<Read, E> {
        Ok(Read::Figure(figure.try_into().unwrap_or(0)))
    }

    fn visit_f64<E>(self, figure: f64) -> Result<Read, E> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float becomes the nearest count that there is: -1.0 is 0"
        )]
        Ok(Read::Figure(figure as u64))
    }

    fn visit_str<E>(self, text: &str) -> Result<Read, E> {
        Ok(text.parse().map_or(Read::Gap, Read::Figure))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Read, E> {
        Ok(Read::Gap)
    }

    fn visit_unit<E>(self) -> Result<Read, E> {
        Ok(Read::Gap)
    }

    fn visit_none<E>(self) -> Result<Read, E> {
        Ok(Read::Gap)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Read, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Read, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Read::Gap)
    }
}
