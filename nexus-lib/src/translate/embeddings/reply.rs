use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::{Embedded, Request};
use crate::translate::Json;

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Entry<'a>>,
    model: &'a str,
    usage: Figures,
}

#[derive(Serialize)]
struct Entry<'a> {
    object: &'static str,
    index: usize,
    embedding: Vector<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Vector<'a> {
    Numbers(&'a Json),
    Bytes(String),
}

#[derive(Serialize)]
struct Figures {
    prompt_tokens: u64,
    total_tokens: u64,
}

/// Writes vectors in OpenAI's format.
pub(crate) fn write(request: &Request, embedded: &Embedded, prompt_tokens: u64) -> Vec<u8> {
    let vectors = embedded.vectors.iter().enumerate();
    let list = List {
        object: "list",
        data: vectors
            .map(|(index, vector)| Entry {
                object: "embedding",
                index,
                embedding: match request.is_base64 {
                    true => Vector::Bytes(bytes(vector)),
                    false => Vector::Numbers(vector),
                },
            })
            .collect(),
        model: &request.model,
        usage: Figures {
            prompt_tokens,
            total_tokens: prompt_tokens,
        },
    };
    // Writing strings and numbers into a growing buffer cannot fail.
    serde_json::to_vec(&list).unwrap_or_default()
}

/// The numbers as little-endian 32-bit floats, in base64.
fn bytes(vector: &Json) -> String {
    let numbers: Vec<f32> = serde_json::from_str(vector.get()).unwrap_or_default();
    let bytes: Vec<u8> = numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    STANDARD.encode(bytes)
}
