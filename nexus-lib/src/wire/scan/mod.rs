//! What routing reads of a request, and how it edits one.
//!
//! [`RequestScan::of`] walks the body once. [`RequestScan::splice`] then replaces the few bytes that
//! an upstream needs different; all others go out as they came in.
//!
//! A body that two parsers could read differently is refused: a field that is given twice, or a
//! field in another spelling beside it (`Model`), which servers written in Go would take for it.
//! Otherwise the model that runs might not be the one that was allowed and is accounted for.

mod field;
mod form;
mod splice;

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::wire::json::Cursor;
use crate::wire::{ConversationId, Operation, Prefixes};
use field::{Kind, find};
use splice::Edit;

/// The few fields of a request that routing needs, and where they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestScan {
    /// The model's name.
    pub model: Box<str>,
    /// Whether `stream` is true.
    pub stream: bool,
    /// Whether the client itself asks for usage in the stream.
    pub include_usage: bool,
    /// What was said so far.
    pub prefixes: Prefixes,
    /// What its client calls the conversation: OpenAI's `prompt_cache_key`, where it is fit for a name.
    pub conversation: Option<ConversationId>,
    /// Where the model's name stands: with its quotes in JSON.
    model_at: Range<usize>,
    /// The body is a form, and no JSON.
    is_form: bool,
    /// What makes the request ask for usage; `None` when it does.
    ask_usage: Option<Edit>,
}

impl RequestScan {
    /// Scans a request's body.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest), which names the line and
    /// column or else the parameter:
    /// - the body is not one JSON object in UTF-8, or is nested too deeply;
    /// - `model` is missing, empty or no string; `messages` is missing or no array;
    /// - `stream` is neither a boolean nor null; `stream_options` is neither an object nor null, or
    ///   its `include_usage` neither a boolean nor null;
    /// - one of these is given twice, or in another case.
    pub fn of(body: &[u8]) -> Result<Self> {
        const NAMES: [&str; 5] = ["model", "messages", "stream", "stream_options", CACHE_KEY];
        let mut prefixes = Prefixes::default();
        let whole = 0..body.len();
        let [model, messages, stream, options, cache_key] =
            find(body, whole, NAMES, |name, json, cursor| {
                if name == "messages" && cursor.peek() == Some(b'[') {
                    prefixes = Prefixes::read(json, cursor)?;
                    return Ok(());
                }
                cursor.skip().map(drop)
            })?;

        let model_at = model.ok_or_else(|| refused("model", "`model` is missing"))?;
        let model = read_model(body.get(model_at.clone()).unwrap_or_default())?;

        let messages = messages.ok_or_else(|| refused("messages", "`messages` is missing"))?;
        if Kind::of(body, &messages) != Kind::Array {
            return Err(refused("messages", "`messages` must be an array"));
        }

        let stream = read_stream(body, stream)?;
        let ask_usage = read_options(body, options)?;
        Ok(Self {
            model,
            stream,
            include_usage: ask_usage.is_none(),
            prefixes,
            conversation: read_name(body, cache_key),
            model_at,
            is_form: false,
            ask_usage,
        })
    }

    /// Scans the body of a request for `operation`: as [`of`](Self::of) does for chats, and of all others
    /// the model's name and `stream` alone. What else they need is the provider's to say.
    ///
    /// # Errors
    /// As [`of`](Self::of); and when the body of a transcription is no form with the boundary that
    /// `content_type` names.
    pub fn for_operation(
        operation: Operation,
        body: &[u8],
        content_type: Option<&[u8]>,
    ) -> Result<Self> {
        match operation {
            Operation::ChatCompletion => Self::of(body),
            Operation::Transcription => Self::of_form(body, content_type),
            Operation::Completion => {
                const NAMES: [&str; 3] = ["model", "stream", "stream_options"];
                let [model, stream, options] = find(body, 0..body.len(), NAMES, |_, _, cursor| {
                    cursor.skip().map(drop)
                })?;
                let ask_usage = read_options(body, options)?;
                Ok(Self {
                    include_usage: ask_usage.is_none(),
                    ask_usage,
                    ..Self::of_fields(body, model, stream)?
                })
            }
            _ => {
                const NAMES: [&str; 3] = ["model", "stream", CACHE_KEY];
                let [model, stream, cache_key] =
                    find(body, 0..body.len(), NAMES, |_, _, cursor| {
                        cursor.skip().map(drop)
                    })?;
                Ok(Self {
                    conversation: read_name(body, cache_key),
                    ..Self::of_fields(body, model, stream)?
                })
            }
        }
    }

    fn of_fields(
        body: &[u8],
        model: Option<Range<usize>>,
        stream: Option<Range<usize>>,
    ) -> Result<Self> {
        let model_at = model.ok_or_else(|| refused("model", "`model` is missing"))?;
        Ok(Self {
            model: read_model(body.get(model_at.clone()).unwrap_or_default())?,
            stream: read_stream(body, stream)?,
            include_usage: true,
            prefixes: Prefixes::default(),
            conversation: None,
            model_at,
            is_form: false,
            ask_usage: None,
        })
    }

    fn of_form(body: &[u8], content_type: Option<&[u8]>) -> Result<Self> {
        let [model, stream] = form::find(body, content_type, ["model", "stream"])?;
        let model_at = model.ok_or_else(|| refused("model", "`model` is missing"))?;
        let name = body.get(model_at.clone()).unwrap_or_default();
        let name = str::from_utf8(name).map_err(|_| refused("model", "`model` must be UTF-8"))?;
        if name.is_empty() {
            return Err(refused("model", "`model` must not be empty"));
        }
        let stream = stream.and_then(|at| body.get(at));
        Ok(Self {
            model: name.into(),
            stream: stream.is_some_and(|value| value.eq_ignore_ascii_case(b"true")),
            include_usage: true,
            prefixes: Prefixes::default(),
            conversation: None,
            model_at,
            is_form: true,
            ask_usage: None,
        })
    }
}

/// OpenAI asks for one of each conversation, and agents send its id. It is a name, and never wrong.
const CACHE_KEY: &str = "prompt_cache_key";

fn read_name(body: &[u8], name: Option<Range<usize>>) -> Option<ConversationId> {
    let json = body.get(name?).filter(|json| json.first() == Some(&b'"'))?;
    Cursor::new(json).string().ok()??.parse().ok()
}

fn read_stream(body: &[u8], stream: Option<Range<usize>>) -> Result<bool> {
    match stream.map(|value| Kind::of(body, &value)) {
        None | Some(Kind::Null | Kind::False) => Ok(false),
        Some(Kind::True) => Ok(true),
        Some(_) => Err(refused("stream", "`stream` must be true or false")),
    }
}

fn read_model(json: &[u8]) -> Result<Box<str>> {
    if json.first() != Some(&b'"') {
        return Err(refused("model", "`model` must be a string"));
    }
    match Cursor::new(json).string() {
        Ok(Some(model)) if model.is_empty() => Err(refused("model", "`model` must not be empty")),
        Ok(Some(model)) => Ok(model.into()),
        _ => Err(refused("model", "`model` must be valid Unicode")),
    }
}

/// The edit that makes the request ask for usage; `None` when it does already.
fn read_options(body: &[u8], options: Option<Range<usize>>) -> Result<Option<Edit>> {
    const PARAM: &str = "stream_options";
    let Some(options) = options else {
        return Ok(Edit::insert_options(body));
    };
    match Kind::of(body, &options) {
        Kind::Null => return Ok(Some(Edit::replace_options(options))),
        Kind::Object => {}
        _ => return Err(refused(PARAM, "`stream_options` must be an object")),
    }
    let [include_usage] = find(body, options.clone(), ["include_usage"], |_, _, cursor| {
        cursor.skip().map(drop)
    })?;
    match include_usage.map(|value| (Kind::of(body, &value), value)) {
        None => Ok(Edit::insert_include_usage(body, options)),
        Some((Kind::True, _)) => Ok(None),
        Some((Kind::False | Kind::Null, value)) => Ok(Some(Edit::replace_include_usage(value))),
        Some(_) => Err(refused(
            PARAM,
            "`stream_options.include_usage` must be true or false",
        )),
    }
}

fn refused(param: &'static str, message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidRequest, message).with_param(param)
}

#[cfg(test)]
mod tests;
