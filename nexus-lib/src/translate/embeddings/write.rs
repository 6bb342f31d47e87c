use serde::Serialize;

use super::Request;
use crate::translate::Json;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a> {
    model: String,
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_type: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimensionality: Option<u64>,
}

#[derive(Serialize)]
struct Content<'a> {
    parts: [Part<'a>; 1],
}

#[derive(Serialize)]
struct Part<'a> {
    text: &'a str,
}

/// One text for `embedContent`, several for `batchEmbedContents`.
pub(super) fn gemini(
    request: &Request,
    inputs: &[String],
    model: &str,
) -> serde_json::Result<Vec<u8>> {
    #[derive(Serialize)]
    struct Many<'a> {
        requests: Vec<Asked<'a>>,
    }
    let model = model.strip_prefix("models/").unwrap_or(model);
    let asked = |text| Asked {
        model: format!("models/{model}"),
        content: Content {
            parts: [Part { text }],
        },
        task_type: own(request, "task_type"),
        title: own(request, "title"),
        output_dimensionality: request.dimensions,
    };
    match inputs {
        [text] => serde_json::to_vec(&asked(text)),
        texts => serde_json::to_vec(&Many {
            requests: texts.iter().map(|text| asked(text)).collect(),
        }),
    }
}

pub(super) fn ollama(
    request: &Request,
    inputs: &[String],
    model: &str,
) -> serde_json::Result<Vec<u8>> {
    #[derive(Serialize)]
    struct Options<'a> {
        num_ctx: &'a Json,
    }
    #[derive(Serialize)]
    struct Body<'a> {
        model: &'a str,
        input: &'a [String],
        #[serde(skip_serializing_if = "Option::is_none")]
        dimensions: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        truncate: Option<&'a Json>,
        #[serde(skip_serializing_if = "Option::is_none")]
        keep_alive: Option<&'a Json>,
        #[serde(skip_serializing_if = "Option::is_none")]
        options: Option<Options<'a>>,
    }
    serde_json::to_vec(&Body {
        model,
        input: inputs,
        dimensions: request.dimensions,
        truncate: own(request, "truncate"),
        keep_alive: own(request, "keep_alive"),
        options: own(request, "num_ctx").map(|num_ctx| Options { num_ctx }),
    })
}

fn own<'a>(request: &'a Request, name: &str) -> Option<&'a Json> {
    let mut extra = request.extra.iter();
    extra.find(|(field, _)| field == name).map(|(_, json)| json)
}
