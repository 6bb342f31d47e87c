use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::Value;

use super::UsageReport;
use crate::wire::json::{Cursor, SyntaxError};

/// More than any request has, and small enough that no sum over a ledger overflows.
const MAX_TOKENS: u64 = 1_000_000_000_000;

/// The figures of a `usage` object, under all names in use; if a name repeats, the last one counts.
#[derive(Debug, Default)]
struct Figures {
    prompt: Option<u64>,
    completion: Option<u64>,
    total: Option<u64>,
    cached: Option<u64>,
    reasoning: Option<u64>,
}

impl UsageReport {
    /// Reads the value at `cursor` in `json`. `None` if it has no token count.
    pub(crate) fn read_at<'a>(
        json: &'a [u8],
        cursor: &mut Cursor<'a>,
    ) -> Result<Option<Self>, SyntaxError> {
        if cursor.peek() != Some(b'{') {
            cursor.skip()?;
            return Ok(None);
        }
        let figures = Figures::read(json, cursor)?;
        // Completion tokens alone are not a usage report, unless they are zero: missing does not
        // mean zero.
        let said_nothing = figures.completion.filter(|count| *count == 0);
        let has_count = figures.prompt.or(figures.total).or(said_nothing);
        Ok(has_count.map(|_| figures.into()))
    }
}

impl Figures {
    fn read<'a>(json: &'a [u8], cursor: &mut Cursor<'a>) -> Result<Self, SyntaxError> {
        let mut found = Self::default();
        // OpenAI's own names take precedence, wherever they are.
        let mut other = Self::default();
        cursor.object(|key, cursor| {
            let (slot, figure) = match &*key {
                b"prompt_tokens" => (&mut found.prompt, figure(json, cursor)?),
                b"input_tokens" => (&mut other.prompt, figure(json, cursor)?),
                b"completion_tokens" => (&mut found.completion, figure(json, cursor)?),
                b"output_tokens" => (&mut other.completion, figure(json, cursor)?),
                b"total_tokens" => (&mut found.total, figure(json, cursor)?),
                b"prompt_tokens_details" => (&mut found.cached, details(json, cursor)?.cached),
                b"input_tokens_details" => (&mut other.cached, details(json, cursor)?.cached),
                b"completion_tokens_details" => {
                    (&mut found.reasoning, details(json, cursor)?.reasoning)
                }
                b"output_tokens_details" => {
                    (&mut other.reasoning, details(json, cursor)?.reasoning)
                }
                // DeepSeek's name; Moonshot's at the top level, OpenAI's in the details.
                b"prompt_cache_hit_tokens" | b"cached_tokens" => {
                    (&mut other.cached, figure(json, cursor)?)
                }
                // In the details; some put it at the top level.
                b"reasoning_tokens" => (&mut other.reasoning, figure(json, cursor)?),
                _ => return cursor.skip().map(drop),
            };
            *slot = figure.or(*slot);
            Ok(())
        })?;
        Ok(Self {
            prompt: found.prompt.or(other.prompt),
            completion: found.completion.or(other.completion),
            total: found.total,
            cached: found.cached.or(other.cached),
            reasoning: found.reasoning.or(other.reasoning),
        })
    }
}

fn details<'a>(json: &'a [u8], cursor: &mut Cursor<'a>) -> Result<Figures, SyntaxError> {
    if cursor.peek() == Some(b'{') {
        return Figures::read(json, cursor);
    }
    cursor.skip()?;
    Ok(Figures::default())
}

/// A count in any form: a number, with a fraction or a sign, or a string.
fn figure<'a>(json: &'a [u8], cursor: &mut Cursor<'a>) -> Result<Option<u64>, SyntaxError> {
    // The common form.
    if let Some(count) = cursor.plain_count() {
        return Ok(Some(count));
    }
    let value = &json[cursor.skip()?];
    let text = str::from_utf8(value).unwrap_or_default();
    let whole = text.trim_matches('"').parse::<u64>().ok();
    let figure = whole.or_else(|| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float becomes the nearest count that there is: -1.0 is 0"
        )]
        let nearest = text.parse::<f64>().ok().map(|figure| figure as u64);
        nearest
    });
    Ok(figure.map(|figure| figure.min(MAX_TOKENS)))
}

impl From<Figures> for UsageReport {
    fn from(figures: Figures) -> Self {
        // Of two figures and their sum, one may be missing.
        let beside = |part: Option<u64>| Some(figures.total?.saturating_sub(part?));
        let prompt = figures.prompt.or_else(|| beside(figures.completion));
        let completion = figures.completion.or_else(|| beside(figures.prompt));
        let prompt_tokens = prompt.unwrap_or_default();
        let completion_tokens = completion.unwrap_or_default();
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
    /// For the typed completions, which are not read while a call is served: one parser is enough.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json =
            serde_json::to_vec(&Value::deserialize(deserializer)?).map_err(D::Error::custom)?;
        Ok(Self::read(&json).unwrap_or_default())
    }
}
