//! Token counts of calls whose upstream reported no usage, computed from what was sent and
//! received.
//!
//! The text is cut by OpenAI's own tokenizers: exact for their models, approximate for others. What
//! a provider adds (a template, the pixels of an image) is covered by documented constants.
//! Counting runs on its own threads: see [`Estimator`].
//!
//! ```text
//! call over ─▶ short ones first ─▶ nexus-estimate ──────▶ done(usage)
//!        └───▶ over a mebibyte ──▶ nexus-estimate-long ─▶ done(usage)
//!        └───▶ no room: four bytes are a token ─────────▶ done(usage)
//! ```
//!
//! Without the feature `estimate`, a token is always four bytes.

mod count;
mod encoding;
mod estimator;
mod lane;
mod prompt;
#[cfg(test)]
mod tests;

pub use estimator::{EstimateJob, Estimator};

use crate::transcript::Delivered;
use crate::wire::Usage;
use count::Count;
use encoding::Encoding;

/// The maximum number of bytes of a call that are tokenized: of its request and its answer.
const MAX_CUT_BYTES: u64 = 2 * (count::MAX_BYTES + count::MAX_SAMPLED) as u64;

/// The tokens of a call to `model`: of its request, a body in OpenAI's format, and of the delivered
/// part of the answer.
///
/// The overhead of a prompt is that of OpenAI's Cookbook ("How to count tokens with tiktoken"): 3
/// tokens per message, 1 for a name, 3 to start the reply; an image is 85, as OpenAI bills one in
/// low detail. The first 64 KiB of the prompt's text and of the answer's are tokenized, and samples
/// of the rest, which counts in proportion. A malformed body has no tokens.
///
/// May take milliseconds, and the first call for an encoding a tenth of a second.
pub fn usage(request_body: &[u8], answer: &Delivered, model: &str) -> Usage {
    usage_in(request_body, answer, Encoding::of(model))
}

/// The tokens of `texts`, without the overhead of a chat.
pub(crate) fn of_texts(texts: &[String], model: &str) -> u64 {
    let mut count = Count::new(Encoding::of(model));
    texts.iter().for_each(|text| count.add(text));
    count.tokens()
}

fn usage_in(request_body: &[u8], answer: &Delivered, encoding: Encoding) -> Usage {
    let prompt_tokens = prompt::tokens(request_body, encoding);
    let completion_tokens = completion_tokens(answer, encoding);
    Usage {
        prompt_tokens,
        completion_tokens,
        total_tokens: prompt_tokens + completion_tokens,
        ..Usage::default()
    }
}

fn completion_tokens(answer: &Delivered, encoding: Encoding) -> u64 {
    let mut count = Count::new(encoding);
    for said in answer.messages() {
        let texts = [&said.content, &said.reasoning_content, &said.refusal];
        for text in texts.into_iter().flatten() {
            count.add(text);
        }
        for call in &said.tool_calls {
            count.add(&call.name);
            count.add(&call.arguments);
        }
    }
    count.add_unread(answer.omitted_bytes());
    count.tokens()
}
