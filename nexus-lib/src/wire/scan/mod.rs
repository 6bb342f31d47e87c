//! The parts of a request that routing reads, and how it edits them.
//!
//! [`RequestScan::of`] walks the body once. [`RequestScan::splice`] then replaces the few bytes
//! that the upstream needs changed; all others are sent as they came in.
//!
//! A body that two parsers could read differently is rejected: a field that is present twice, or in
//! a second spelling (`Model`), which servers written in Go would accept. Otherwise the model that
//! runs might not be the one that was allowed and accounted for.

mod field;
mod form;
mod splice;

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::wire::json::Cursor;
use crate::wire::{ConversationId, Operation, Prefixes, reads};
use field::{Kind, find};
use splice::Edit;

/// The few fields of a request that routing needs, and their positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestScan {
    /// The model's name.
    pub model: Box<str>,
    /// Whether `stream` is true.
    pub stream: bool,
    /// Whether the client itself requests usage in the stream.
    pub include_usage: bool,
    /// Fingerprints of the messages so far.
    pub prefixes: Prefixes,
    /// The client's name for the conversation: OpenAI's `prompt_cache_key`, if it is a valid name.
    pub conversation: Option<ConversationId>,
    /// The position of the model's name; in JSON including its quotes.
    model_at: Range<usize>,
    /// Whether the body is a form instead of JSON.
    is_form: bool,
    /// The edit that requests usage; `None` if the client requests it already.
    ask_usage: Option<Edit>,
}

impl RequestScan {
    /// Scans a request's body.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest), with the line and column or
    /// the parameter, if:
    /// - the body is not one JSON object in UTF-8, or is nested too deeply;
    /// - `model` is missing, empty or not a string; `messages` is missing or not an array;
    /// - `stream` is neither a boolean nor null; `stream_options` is neither an object nor null, or
    ///   its `include_usage` neither a boolean nor null;
    /// - one of these is present twice, or in another case.
    pub fn of(body: &[u8]) -> Result<Self> {
        reads::scanned(body);
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

    /// Scans the body of a request for `operation`. Chats are read as by [`of`](Self::of); for all
    /// others only the model's name and `stream` are read, and the provider validates the rest.
    ///
    /// # Errors
    /// As for [`of`](Self::of); also when the body of a transcription is not a form with the
    /// boundary in `content_type`.
    pub fn for_operation(
        operation: Operation,
        body: &[u8],
        content_type: Option<&[u8]>,
    ) -> Result<Self> {
        if operation != Operation::ChatCompletion {
            reads::scanned(body);
        }
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

/// OpenAI asks for one per conversation, and agents send the conversation's id. As a name it needs
/// no validation.
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

/// The edit that requests usage; `None` if the client requests it already.
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
