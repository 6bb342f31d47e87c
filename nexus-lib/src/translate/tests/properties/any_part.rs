use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::words::Words;
use crate::translate::{File, Image, Json, Part, Source, Text};

pub(super) fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

pub(super) fn any_text() -> impl Strategy<Value = String> {
    // Blank text is nothing to Anthropic.
    "[a-zé世\"\\\\\n {}]{0,11}[a-zé世\"\\\\{}]"
}

pub(super) fn any_id() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_-]{1,8}"
}

pub(super) fn any_cache(words: Words) -> BoxedStrategy<Option<Json>> {
    if words.in_chat() {
        return Just(None).boxed();
    }
    of(Just(json(r#"{"type": "ephemeral", "ttl": "1h"}"#))).boxed()
}

pub(super) fn any_written(words: Words) -> impl Strategy<Value = Part> {
    (any_text(), any_cache(words)).prop_map(|(text, cache)| Part::Text(Text { text, cache }))
}

fn any_source(media_type: &'static str) -> impl Strategy<Value = Source> {
    let data = select(vec!["AAAA", "iVBORw0KGgo="]);
    prop_oneof![
        Just(Source::Url("https://example.com/a?b=c".to_owned())),
        data.prop_map(move |data| Source::Data {
            media_type: media_type.to_owned(),
            data: data.to_owned(),
        }),
    ]
}

pub(super) fn any_image(words: Words) -> impl Strategy<Value = Part> {
    let detail = of(select(vec!["low", "high"]).prop_map(str::to_owned));
    (any_source("image/png"), detail, any_cache(words)).prop_map(move |(source, detail, cache)| {
        Part::Image(Image {
            source,
            detail: detail.filter(|_| !words.in_messages()),
            cache,
        })
    })
}

fn any_file(words: Words) -> impl Strategy<Value = Part> {
    let parts = (any_source("application/pdf"), any_text(), any_cache(words));
    parts.prop_map(move |(source, name, cache)| {
        let source = match source {
            Source::Url(_) if words.in_chat() => Source::Data {
                media_type: "application/pdf".to_owned(),
                data: "JVBERi0=".to_owned(),
            },
            source => source,
        };
        Part::File(File {
            source,
            name: Some(name),
            cache,
        })
    })
}

pub(super) fn any_parts(words: Words) -> impl Strategy<Value = Vec<Part>> {
    let audio = Just(Part::Audio {
        data: "AAAA".to_owned(),
        format: "wav".to_owned(),
    });
    let other = match words.in_messages() {
        true => any_file(words).boxed(),
        false => prop_oneof![any_file(words), audio].boxed(),
    };
    let part = prop_oneof![any_written(words), any_image(words), other];
    // Several texts without anything else would be joined.
    (vec(part, 1..4), any_image(words)).prop_map(move |(mut parts, image)| {
        let texts = parts.iter().filter(|part| matches!(part, Part::Text(_)));
        if words.is_joined() && parts.len() > 1 && texts.count() == parts.len() {
            parts.push(image);
        }
        parts
    })
}

pub(super) fn any_texts(words: Words) -> impl Strategy<Value = Vec<Part>> {
    let most = if words.is_joined() { 1 } else { 3 };
    vec(any_written(words), 1..=most)
}
