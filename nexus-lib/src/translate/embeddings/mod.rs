//! Embeddings: OpenAI's API for every client, and Gemini's and Ollama's own.
//!
//! | request | Gemini | Ollama |
//! |---|---|---|
//! | `input` | `embedContent`; `batchEmbedContents`, up to 100 texts at a time | `/api/embed` |
//! | `dimensions` | `outputDimensionality` | `dimensions` |
//! | `encoding_format` | applied here | applied here |
//! | `task_type`, `title` (extensions) | `taskType`, `title` | dropped |
//! | `keep_alive`, `truncate`, `num_ctx` (extensions) | dropped | the same, `options.num_ctx` |
//! | `user`, and anything else | dropped | dropped |
//! | tokens instead of texts | 400 | 400 |
//!
//! Sources: OpenAI's API reference (Embeddings), Google's Gemini API reference (Embeddings),
//! Ollama's API reference.

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

/// The maximum number of texts in one request to Gemini.
const MAX_AT_ONCE: usize = 100;

/// A client's request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    /// The client's name of the model.
    pub(crate) model: String,
    /// The texts, in order.
    pub(crate) inputs: Vec<String>,
    /// The requested length of each vector.
    dimensions: Option<u64>,
    /// Whether vectors are returned as base64.
    is_base64: bool,
    /// Other fields, as they were sent.
    extra: Vec<(String, Json)>,
}

/// A provider's answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Embedded {
    /// A vector for each text, in order.
    pub(crate) vectors: Vec<Json>,
    /// The tokens of the texts, if reported.
    pub(crate) prompt_tokens: Option<u64>,
}

/// A provider's own API for embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Google's `embedContent` and `batchEmbedContents`.
    Gemini,
    /// Ollama's `/api/embed`.
    Ollama,
}

impl Protocol {
    /// Splits the texts into batches that the provider accepts.
    pub(crate) fn portions(self, inputs: &[String]) -> impl Iterator<Item = &[String]> {
        let most = match self {
            Self::Gemini => MAX_AT_ONCE,
            Self::Ollama => usize::MAX,
        };
        inputs.chunks(most)
    }

    /// The request body for the vectors of `inputs`, some of `request`'s, from `model`, the
    /// provider's name of the model.
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
    /// `UpstreamInvalid` when it is not such an answer.
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
