use serde::Serialize;

use crate::error::Result;
use crate::translate::reading::{Object, Path, value};
use crate::translate::{Json, Losses, Request};

/// The fields of a request that are read here, from OpenAI and OpenRouter.
pub(super) const OWN: [&str; 2] = [MODALITIES, IMAGE_CONFIG];
const MODALITIES: &str = "modalities";
const IMAGE_CONFIG: &str = "image_config";

/// Image generation settings.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImageConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    aspect_ratio: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_size: Option<String>,
}

/// The modalities of the answer: text, images, or both. `None` for text only, which is the default.
pub(super) fn modalities(request: &Request) -> Result<Option<Vec<&'static str>>> {
    let Some(json) = asked(request, MODALITIES) else {
        return Ok(None);
    };
    let names: Vec<String> = serde_json::from_str(json.get()).unwrap_or_default();
    let modalities = names.iter().map(|name| match name.as_str() {
        "text" => Some("TEXT"),
        "image" => Some("IMAGE"),
        _ => None,
    });
    match modalities.collect::<Option<Vec<_>>>() {
        Some(modalities) if modalities == ["TEXT"] => Ok(None),
        Some(modalities) if !modalities.is_empty() => Ok(Some(modalities)),
        _ => Err(Losses::refusal(MODALITIES)),
    }
}

/// Image generation settings.
pub(super) fn image_config(request: &Request, losses: &mut Losses) -> Result<Option<ImageConfig>> {
    let Some(json) = asked(request, IMAGE_CONFIG) else {
        return Ok(None);
    };
    let at = Path::Request.key(IMAGE_CONFIG);
    let object = Object::parse(json.get().as_bytes(), &at)?;
    let mut config = ImageConfig {
        aspect_ratio: None,
        image_size: None,
    };
    for (name, json) in object.members() {
        let at = at.key(name);
        match name {
            "aspect_ratio" => config.aspect_ratio = Some(value(json, &at)?),
            "image_size" => config.image_size = Some(value(json, &at)?),
            _ => losses.drop_param(&at.to_string())?,
        }
    }
    Ok(Some(config))
}

fn asked<'a>(request: &'a Request, name: &str) -> Option<&'a Json> {
    let mut extra = request.extra.iter();
    let (_, json) = extra.find(|(member, _)| member == name)?;
    (!matches!(json.get(), "null" | "[]" | "{}")).then_some(json)
}
