//! Embeddings: OpenAI's for every client, and what Gemini and Ollama have instead.
//!
//! | of the request | Gemini | Ollama |
//! |---|---|---|
//! | `input`: a text, or a list of texts | `embedContent`; `batchEmbedContents`, 100 texts at a time | `/api/embed` |
//! | `dimensions` | `outputDimensionality` | `dimensions` |
//! | `encoding_format` of `float`, `base64` | done here | done here |
//! | `task_type`, `title` (extensions) | `taskType`, `title` | hints |
//! | `keep_alive`, `truncate`, `num_ctx` (extensions) | hints | as they are, `options.num_ctx` |
//! | `user`, and whatever else | hints | hints |
//! | tokens in place of texts | 400 | 400 |
//!
//! Sources: OpenAI's API reference (Embeddings), Google's Gemini API reference (Embeddings), Ollama's API reference.

mod read;
mod reply;
mod write;

pub(crate) use read::read;
pub(crate) use reply::write;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::Json;
use crate::error::{Error, ErrorKind, Result};
use crate::translate::reading::{Object, Path, value};

/// The most texts that Gemini takes at once.
const MOST_AT_ONCE: usize = 100;

/// What a client asks for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    /// The model's name, as the client says it.
    pub(crate) model: String,
    /// The texts, in order.
    pub(crate) inputs: Vec<String>,
    /// How long each vector is to be.
    dimensions: Option<u64>,
    /// Whether vectors are to be told as their bytes.
    is_base64: bool,
    /// Other fields, as they were sent.
    extra: Vec<(String, Json)>,
}

/// What a provider answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Embedded {
    /// A vector for each text, in order.
    pub(crate) vectors: Vec<Json>,
    /// The tokens of the texts, where they are told.
    pub(crate) prompt_tokens: Option<u64>,
}

/// A provider's own way to embed texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Google's `embedContent` and `batchEmbedContents`.
    Gemini,
    /// Ollama's `/api/embed`.
    Ollama,
}

impl Protocol {
    /// The texts in the portions in which the provider takes them.
    pub(crate) fn portions(self, inputs: &[String]) -> impl Iterator<Item = &[String]> {
        let most = match self {
            Self::Gemini => MOST_AT_ONCE,
            Self::Ollama => usize::MAX,
        };
        inputs.chunks(most)
    }

    /// The body that asks for the vectors of `inputs`, some of `request`'s, of `model`, as the provider calls it.
    ///
    /// # Errors
    /// `Internal` when it cannot be written.
    pub(crate) fn write(self, request: &Request, inputs: &[String], model: &str) -> Result<Bytes> {
        let written = match self {
            Self::Gemini => write::gemini(request, inputs, model),
            Self::Ollama => write::ollama(request, inputs, model),
        };
        written.map(Bytes::from).map_err(|error| {
            Error::new(ErrorKind::Internal, "the request cannot be written").with_source(error)
        })
    }

    /// Reads the answer for `count` texts.
    ///
    /// # Errors
    /// `UpstreamInvalid` when it is none.
    pub(crate) fn read(self, body: &[u8], count: usize) -> Result<Embedded> {
        let at = Path::Answer;
        let answer = Object::parse(body, &at)?;
        let (name, vectors, prompt_tokens) = match self {
            Self::Ollama => {
                let list: Vec<&RawValue> = answer.need("embeddings", &at)?;
                ("embeddings", list, answer.lenient("prompt_eval_count"))
            }
            Self::Gemini => {
                let usage = answer.lenient::<Object<'_>>("usageMetadata");
                let tokens = usage.and_then(|usage| usage.lenient("promptTokenCount"));
                let (name, list) = match answer.object("embedding", &at)? {
                    Some(one) => ("embedding", vec![one.need("values", &at.key("embedding"))?]),
                    None => ("embeddings", many(&answer, &at)?),
                };
                (name, list, tokens)
            }
        };
        let at = at.key(name);
        if vectors.len() != count {
            return Err(at.invalid(format_args!(
                "has {} vectors for {count} texts",
                vectors.len()
            )));
        }
        for (index, vector) in vectors.iter().enumerate() {
            let at = at.index(index);
            if value::<Vec<f64>>(vector, &at)?.is_empty() {
                return Err(at.invalid("is empty"));
            }
        }
        Ok(Embedded {
            vectors: vectors.into_iter().map(Json::of).collect(),
            prompt_tokens,
        })
    }
}

fn many<'a>(answer: &Object<'a>, at: &Path<'_>) -> Result<Vec<&'a RawValue>> {
    let list_at = at.key("embeddings");
    let list: Vec<&RawValue> = answer.need("embeddings", at)?;
    let list = list.into_iter().enumerate();
    list.map(|(index, one)| {
        let at = list_at.index(index);
        Object::of(one, &at)?.need("values", &at)
    })
    .collect()
}

#[cfg(test)]
mod tests;
