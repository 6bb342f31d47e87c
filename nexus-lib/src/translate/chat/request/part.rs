use serde::{Serialize, Serializer};

use crate::error::Result;
use crate::translate::data_url::{self, data_url};
use crate::translate::reading::{Content, Object, Path};
use crate::translate::{File, Image, Losses, Source, Text};

/// The content of a message that is not the assistant's.
pub(super) fn read_all(message: &Object<'_>, at: &Path<'_>) -> Result<Vec<crate::translate::Part>> {
    let content_at = at.key("content");
    let content = message.content("content", at)?;
    match content.ok_or_else(|| content_at.invalid("is missing"))? {
        Content::Text(text) => Ok(vec![crate::translate::Part::Text(Text {
            text,
            cache: None,
        })]),
        Content::Parts(parts) => {
            let parts = parts.into_iter().enumerate();
            let parts = parts.map(|(index, part)| {
                let at = content_at.index(index);
                read(&Object::of(part, &at)?, &at)
            });
            parts.collect()
        }
    }
}

/// The result of a tool, which may be empty.
pub(super) fn read_result(
    message: &Object<'_>,
    at: &Path<'_>,
) -> Result<Vec<crate::translate::Part>> {
    match message.raw("content") {
        None => Ok(Vec::new()),
        Some(_) => read_all(message, at),
    }
}

fn read(part: &Object<'_>, at: &Path<'_>) -> Result<crate::translate::Part> {
    use crate::translate::Part;
    let kind: String = part.need("type", at)?;
    let cache = part.json("cache_control");
    Ok(match kind.as_str() {
        // The other names are those of Responses; some clients mix them up.
        "text" | "input_text" | "output_text" => Part::Text(Text {
            text: part.need("text", at)?,
            cache,
        }),
        "image_url" => {
            let image = part.need_object("image_url", at)?;
            let at = at.key("image_url");
            Part::Image(Image {
                source: data_url::picture(&image.need::<String>("url", &at)?, &at)?,
                detail: image.get("detail", &at)?,
                cache,
            })
        }
        "input_audio" => {
            let audio = part.need_object("input_audio", at)?;
            let at = at.key("input_audio");
            Part::Audio {
                data: audio.need("data", &at)?,
                format: audio.need("format", &at)?,
            }
        }
        "file" => {
            let file = part.need_object("file", at)?;
            let at = at.key("file");
            let name: Option<String> = file.get("filename", &at)?;
            let data: Option<String> = file.get("file_data", &at)?;
            let id: Option<String> = file.get("file_id", &at)?;
            let source = match (data, id) {
                (Some(data), _) => document(&data, name.as_deref(), &at.key("file_data"))?,
                (None, Some(id)) => Source::Id(id),
                (None, None) => return Err(at.invalid("needs `file_data` or `file_id`")),
            };
            Part::File(File {
                source,
                name,
                cache,
            })
        }
        _ => {
            return Err(at
                .key("type")
                .invalid("must be `text`, `image_url`, `input_audio` or `file`"));
        }
    })
}

/// A document is a data URL; some clients send only the base64, and the type is derived from the
/// name.
fn document(data: &str, name: Option<&str>, at: &Path<'_>) -> Result<Source> {
    if data.starts_with("data:") || data.starts_with("http://") || data.starts_with("https://") {
        let source = data_url::source(data);
        return source.ok_or_else(|| at.invalid("must be a base64 data URL"));
    }
    let name = name.unwrap_or_default().to_ascii_lowercase();
    let media_type = match name.rsplit('.').next() {
        Some("txt" | "md") => "text/plain",
        _ => "application/pdf",
    };
    Ok(Source::Data {
        media_type: media_type.to_owned(),
        data: data.to_owned(),
    })
}

/// A part in its JSON form.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part<'a> {
    Text { text: String },
    ImageUrl { image_url: ImageUrl<'a> },
    InputAudio { input_audio: InputAudio<'a> },
    File { file: FileData<'a> },
}

#[derive(Debug, Serialize)]
pub(super) struct ImageUrl<'a> {
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

#[derive(Debug, Serialize)]
pub(super) struct InputAudio<'a> {
    data: &'a str,
    format: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct FileData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_id: Option<&'a str>,
}

/// Parts; a single text is written as a string.
#[derive(Debug)]
pub(super) struct Parts<'a>(pub(super) Vec<Part<'a>>);

impl Parts<'_> {
    /// Joins several texts, if there is nothing else.
    pub(super) fn join(&mut self) {
        let texts = self.0.iter().map(|part| match part {
            Part::Text { text } => Some(text.as_str()),
            _ => None,
        });
        if let Some(texts) = texts.collect::<Option<Vec<_>>>() {
            let text = texts.join("\n");
            self.0 = vec![Part::Text { text }];
        }
    }
}

impl Serialize for Parts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &*self.0 {
            [] => serializer.serialize_str(""),
            [Part::Text { text }] => serializer.serialize_str(text),
            parts => serializer.collect_seq(parts),
        }
    }
}

/// The content of `parts` in chat's format.
pub(super) fn write_all<'a>(
    parts: &'a [crate::translate::Part],
    at: &Path<'_>,
    losses: &mut Losses,
) -> Result<Vec<Part<'a>>> {
    let content = at.key("content");
    let parts = parts.iter().enumerate();
    parts
        .map(|(index, part)| write(part, &content.index(index), losses))
        .collect()
}

fn write<'a>(
    part: &'a crate::translate::Part,
    at: &Path<'_>,
    losses: &mut Losses,
) -> Result<Part<'a>> {
    use crate::translate::Part as Given;
    let cache = match part {
        Given::Text(text) => &text.cache,
        Given::Image(image) => &image.cache,
        Given::File(file) => &file.cache,
        Given::Audio { .. } => &None,
    };
    if cache.is_some() {
        losses.drop_param("cache_control")?;
    }
    Ok(match part {
        Given::Text(text) => Part::Text {
            text: text.text.clone(),
        },
        Given::Image(image) => Part::ImageUrl {
            image_url: ImageUrl {
                url: match &image.source {
                    Source::Url(url) => url.clone(),
                    Source::Data { media_type, data } => data_url(media_type, data),
                    Source::Id(_) => return Err(Losses::refusal(&at.to_string())),
                },
                detail: image.detail.as_deref(),
            },
        },
        Given::Audio { data, format } => Part::InputAudio {
            input_audio: InputAudio { data, format },
        },
        Given::File(file) => document_part(file, at)?,
    })
}

fn document_part<'a>(file: &'a File, at: &Path<'_>) -> Result<Part<'a>> {
    let (file_data, file_id) = match &file.source {
        Source::Id(id) => (None, Some(id.as_str())),
        Source::Url(_) => return Err(Losses::refusal(&at.to_string())),
        Source::Data { media_type, data } => {
            if let Some(text) = data_url::text(media_type, data) {
                let title = file.name.as_deref().map(|name| format!("{name}\n\n"));
                return Ok(Part::Text {
                    text: title.unwrap_or_default() + &text,
                });
            }
            (Some(data_url(media_type, data)), None)
        }
    };
    Ok(Part::File {
        file: FileData {
            // OpenAI requires a name with data.
            filename: (file.name.as_deref()).or(file_data.as_ref().map(|_| "document.pdf")),
            file_data,
            file_id,
        },
    })
}
