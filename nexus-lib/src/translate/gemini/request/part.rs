use std::borrow::Cow;

use serde::Serialize;

use crate::error::Result;
use crate::translate::reading::Path;
use crate::translate::{File, Image, Json, Losses, Part, Picture, Source, Text, data_url};

/// A part in its JSON form. One of the fields is set, with an optional signature.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Given<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) inline_data: Option<InlineData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_data: Option<FileData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function_call: Option<FunctionCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function_response: Option<FunctionResponse<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thought_signature: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InlineData<'a> {
    mime_type: Cow<'a, str>,
    data: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'static str>,
    file_uri: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct FunctionCall<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) args: Json,
}

#[derive(Debug, Serialize)]
pub(super) struct FunctionResponse<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) response: Response,
}

/// A tool result: Gemini requires an object.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Response {
    Object(Json),
    Output { output: String },
    Error { error: String },
}

impl Response {
    pub(super) fn of(text: String, is_error: bool) -> Self {
        if is_error {
            return Self::Error { error: text };
        }
        let object = Json::parse(text.trim()).filter(|json| json.get().starts_with('{'));
        let object = object.filter(|json| !has_references(json.get()));
        object.map_or(Self::Output { output: text }, Self::Object)
    }
}

/// Whether Gemini would resolve a `$ref` in it, which a tool result does not intend. Such members
/// are recognised by their `$`, however it is escaped.
fn has_references(json: &str) -> bool {
    json.contains("\"$") || json.contains("\\u0024")
}

impl<'a> Given<'a> {
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self {
            text: Some(text.into()),
            ..Self::default()
        }
    }

    /// One of the model's own images; `None` if it is stored at another provider.
    pub(super) fn picture(picture: &'a Picture, foreign: Option<&'a str>) -> Option<Self> {
        let given = match &picture.source {
            Source::Data { media_type, data } => Self::inline(media_type.as_str(), data),
            Source::Url(url) => Self::file(url),
            Source::Id(_) => return None,
        };
        Some(Self {
            thought_signature: picture.signature.as_deref().or(foreign),
            ..given
        })
    }

    /// A signature that belongs to no part: with an empty text, as Gemini itself sends it.
    pub(super) fn signature(signature: &'a str) -> Self {
        Self {
            thought_signature: Some(signature),
            ..Self::text("")
        }
    }

    fn inline(mime_type: impl Into<Cow<'a, str>>, data: &'a str) -> Self {
        let mime_type = mime_type.into();
        Self {
            inline_data: Some(InlineData { mime_type, data }),
            ..Self::default()
        }
    }

    fn file(url: &'a str) -> Self {
        Self {
            file_data: Some(FileData {
                mime_type: mime_type(url),
                file_uri: url,
            }),
            ..Self::default()
        }
    }
}

/// The parts of the message at `at`, without empty texts, which Gemini rejects.
pub(super) fn write_all<'a>(
    parts: &'a [Part],
    at: &Path<'_>,
    losses: &mut Losses,
) -> Result<Vec<Given<'a>>> {
    let content = at.key("content");
    let mut written = Vec::with_capacity(parts.len());
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Text(text) => written.extend(write_text(text, losses)?),
            part => written.push(write(part, &content.index(index), losses)?),
        }
    }
    Ok(written)
}

/// `None` for an empty text.
pub(super) fn write_text<'a>(text: &'a Text, losses: &mut Losses) -> Result<Option<Given<'a>>> {
    note_cache(text.cache.as_ref(), losses)?;
    let text = text.text.as_str();
    Ok((!text.is_empty()).then(|| Given::text(text)))
}

/// Anything that is not text.
pub(super) fn write<'a>(part: &'a Part, at: &Path<'_>, losses: &mut Losses) -> Result<Given<'a>> {
    match part {
        Part::Text(text) => Ok(Given::text(text.text.as_str())),
        Part::Image(image) => picture(image, &at.key("image_url"), losses),
        Part::Audio { data, format } => Ok(Given::inline(format!("audio/{format}"), data)),
        Part::File(file) => document(file, &at.key("file"), losses),
    }
}

/// Gemini caches automatically.
pub(super) fn note_cache(cache: Option<&Json>, losses: &mut Losses) -> Result<()> {
    match cache {
        Some(_) => losses.drop_param("cache_control"),
        None => Ok(()),
    }
}

/// The accepted image types.
const PICTURES: [&str; 5] = [
    "image/png",
    "image/jpeg",
    "image/webp",
    "image/heic",
    "image/heif",
];

fn picture<'a>(image: &'a Image, at: &Path<'_>, losses: &mut Losses) -> Result<Given<'a>> {
    note_cache(image.cache.as_ref(), losses)?;
    if image
        .detail
        .as_deref()
        .is_some_and(|detail| detail != "auto")
    {
        losses.drop_param("detail")?;
    }
    match &image.source {
        Source::Data { media_type, data } => {
            // The common misspelling of the type.
            let media_type = match media_type.as_str() {
                "image/jpg" => "image/jpeg",
                media_type => media_type,
            };
            if !PICTURES.contains(&media_type) {
                return Err(at.invalid(
                    "must be PNG, JPEG, WebP, HEIC or HEIF for the provider of this model",
                ));
            }
            Ok(Given::inline(media_type, data))
        }
        Source::Url(url) => Ok(Given::file(url)),
        Source::Id(_) => Err(Losses::refusal(&at.to_string())),
    }
}

/// Plain text is sent as text: Gemini reads only PDF as a document.
fn document<'a>(file: &'a File, at: &Path<'_>, losses: &mut Losses) -> Result<Given<'a>> {
    note_cache(file.cache.as_ref(), losses)?;
    match &file.source {
        Source::Data { media_type, data } => match data_url::text(media_type, data) {
            Some(text) => {
                let title = file.name.as_deref().map(|name| format!("{name}\n\n"));
                Ok(Given::text(title.unwrap_or_default() + &text))
            }
            None => Ok(Given::inline(media_type.as_str(), data)),
        },
        Source::Url(url) => Ok(Given::file(url)),
        Source::Id(_) => Err(Losses::refusal(&at.to_string())),
    }
}

/// The type of the resource at a URL, judged by its extension.
fn mime_type(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let ending = path.rsplit('.').next().unwrap_or_default();
    Some(match ending.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "heic" => "image/heic",
        "heif" => "image/heif",
        "pdf" => "application/pdf",
        _ => return None,
    })
}
