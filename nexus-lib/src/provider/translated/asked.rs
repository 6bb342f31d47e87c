use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result};
use crate::translate::{Json, Request};

const OPTIONS: &str = "stream_options";

/// What of `request` its answer depends on: not the messages, which would be held until the answer
/// is over.
pub(super) fn answered_to(request: &Request) -> Request {
    let options = request.extra.iter().filter(|(name, _)| name == OPTIONS);
    Request {
        model: request.model.clone(),
        stream: request.stream,
        extra: options.cloned().collect(),
        ..Request::default()
    }
}

/// Requests the usage of a stream, for a provider of chat completions.
///
/// # Errors
/// `InvalidRequest` when the client's own options are not an object.
pub(super) fn ask_usage(request: &mut Request) -> Result<()> {
    let mut extra = request.extra.iter_mut();
    let own = extra.find(|(name, _)| name == OPTIONS);
    let mut options: Map<String, Value> = match &own {
        None => Map::new(),
        Some((_, json)) => serde_json::from_str(json.get()).map_err(|_| {
            let message = "`stream_options` must be an object";
            Error::new(ErrorKind::InvalidRequest, message).with_param(OPTIONS)
        })?,
    };
    options.insert("include_usage".to_owned(), Value::Bool(true));
    let options = Json::parse(Value::Object(options).to_string());
    match (own, options) {
        (Some((_, json)), Some(options)) => *json = options,
        (None, Some(options)) => request.extra.push((OPTIONS.to_owned(), options)),
        // An object is JSON.
        (_, None) => {}
    }
    Ok(())
}
