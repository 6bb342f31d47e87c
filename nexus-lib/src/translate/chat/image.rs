//! Generated images: `images` of a message or a delta, in OpenRouter's format.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::Result;
use crate::translate::data_url::{self, data_url};
use crate::translate::extra_content::{ExtraContent, signature};
use crate::translate::reading::{Object, Path};
use crate::translate::{Picture, Source};

/// The images of a message or a delta. The field is not standardised: unknown entries are ignored.
pub(super) fn read(message: &Object<'_>, at: &Path<'_>) -> Result<Vec<Picture>> {
    let images: Vec<&RawValue> = message.lenient("images").unwrap_or_default();
    let images_at = at.key("images");
    let mut pictures = Vec::new();
    for (index, image) in images.into_iter().enumerate() {
        let Ok(image) = serde_json::from_str::<Object<'_>>(image.get()) else {
            continue;
        };
        let place: Option<Object<'_>> = image.lenient("image_url");
        let Some(url) = place.and_then(|place| place.lenient::<String>("url")) else {
            continue;
        };
        let source = data_url::source(&url).ok_or_else(|| {
            let at = images_at.index(index);
            at.key("image_url").key("url").invalid("must be base64")
        })?;
        pictures.push(Picture {
            source,
            signature: signature(&image),
        });
    }
    Ok(pictures)
}

/// An image in its JSON form.
#[derive(Debug, Serialize)]
pub(super) struct Image<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    r#type: &'static str,
    image_url: ImageUrl<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<ExtraContent<'a>>,
}

#[derive(Debug, Serialize)]
struct ImageUrl<'a> {
    url: Cow<'a, str>,
}

impl<'a> Image<'a> {
    /// With its index in a delta; `None` for an image that only its provider can resolve.
    pub(super) fn of(picture: &'a Picture, index: Option<usize>) -> Option<Self> {
        let url = match &picture.source {
            Source::Data { media_type, data } => data_url(media_type, data).into(),
            Source::Url(url) => url.into(),
            Source::Id(_) => return None,
        };
        Some(Self {
            index,
            r#type: "image_url",
            image_url: ImageUrl { url },
            extra_content: picture.signature.as_deref().map(ExtraContent::of),
        })
    }
}
