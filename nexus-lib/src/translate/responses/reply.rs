//! Whole answers.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{call, item, usage};
use crate::error::{Error, ErrorKind, Result};
use crate::translate::reading::{Object, Path};
use crate::translate::{Answered, Finish, Output, TokenCounts};
use crate::wire::Timestamp;

/// Reads the answer of a Responses provider. Unknown items are ignored.
///
/// # Errors
/// `UpstreamInvalid` when it is not such an answer, or a failed one.
pub(crate) fn read(body: &[u8]) -> Result<Answered> {
    let at = Path::Answer;
    let response = Object::parse(body, &at)?;
    let mut parts = Vec::new();
    let at_output = at.key("output");
    let items: Vec<&RawValue> = response.need("output", &at)?;
    for (index, json) in items.into_iter().enumerate() {
        let at = at_output.index(index);
        parts.extend(item::whole(&Object::of(json, &at)?, &at)?);
    }
    Ok(Answered {
        id: response.lenient("id").unwrap_or_default(),
        model: response.lenient("model").unwrap_or_default(),
        output: parts,
        finish: finish(&response)?,
        usage: usage::read(&response),
    })
}

/// Why a response ended.
pub(super) fn finish(response: &Object<'_>) -> Result<Finish> {
    let status: Option<String> = response.lenient("status");
    Ok(match status.as_deref() {
        Some("failed") => {
            let error = response.lenient::<Object<'_>>("error");
            let message = error.and_then(|error| error.lenient::<String>("message"));
            let message = message.unwrap_or_else(|| "the provider's response failed".to_owned());
            return Err(Error::new(ErrorKind::UpstreamInvalid, message));
        }
        Some("incomplete") => {
            let details = response.lenient::<Object<'_>>("incomplete_details");
            let reason = details.and_then(|details| details.lenient::<String>("reason"));
            match reason.as_deref() {
                None | Some("") => Finish::Length,
                Some(word) => Finish::of_word(word).unwrap_or(Finish::Length),
            }
        }
        _ => Finish::Stop,
    })
}

/// Writes an answer in OpenAI's format, for the client that asked for `model`.
pub(crate) fn write(answered: &Answered, model: &str) -> Vec<u8> {
    let mut output: Vec<Value> = answered.output.iter().filter_map(written).collect();
    if let Some(item) = output
        .last_mut()
        .filter(|item| item.get("status").is_some())
    {
        item["status"] = status(&answered.finish).into();
    }
    let model = match model {
        "" => &answered.model,
        asked => asked,
    };
    let head = Head {
        id: &id(&answered.id),
        created_at: Timestamp::now().as_seconds(),
        model,
    };
    let response = head.over(&answered.finish, output, answered.usage);
    // Writing strings and numbers into a growing buffer cannot fail.
    serde_json::to_vec(&response).unwrap_or_default()
}

fn written(part: &Output) -> Option<Value> {
    Some(match part {
        Output::Text(text) => {
            let part = item::text_part(text);
            item::message(&item::new_id("msg"), "completed", Some(part))
        }
        Output::Refusal(refusal) => {
            let part = item::refusal_part(refusal);
            item::message(&item::new_id("msg"), "completed", Some(part))
        }
        Output::Reasoning(thought) => {
            let id = thought.id.clone().unwrap_or_else(|| item::new_id("rs"));
            item::reasoning(&id, &thought.text, item::encrypted(thought).as_deref())
        }
        Output::Picture(picture) => return item::image(&item::new_id("ig"), picture),
        Output::ToolCall(called) => {
            let prefix = call::prefix(called.client.as_deref());
            call::write(&item::new_id(prefix), "completed", called)
        }
    })
}

/// The provider's id if it is that of a response, otherwise a generated one.
pub(super) fn id(id: &str) -> String {
    match id.starts_with("resp_") {
        true => id.to_owned(),
        false => item::new_id("resp"),
    }
}

/// The status of a response that ended with `finish`, and of its last item.
pub(super) fn status(finish: &Finish) -> &'static str {
    incomplete_reason(finish).map_or("completed", |_| "incomplete")
}

fn incomplete_reason(finish: &Finish) -> Option<&'static str> {
    match finish {
        Finish::Length => Some("max_output_tokens"),
        Finish::ContentFilter => Some("content_filter"),
        _ => None,
    }
}

/// The constant members of a growing response.
pub(super) struct Head<'a> {
    pub(super) id: &'a str,
    pub(super) created_at: i64,
    pub(super) model: &'a str,
}

impl Head<'_> {
    pub(super) fn response(&self, status: &str, output: Vec<Value>) -> Value {
        json!({
            "id": self.id, "object": "response", "created_at": self.created_at, "status": status,
            "error": null, "incomplete_details": null, "instructions": null, "metadata": {},
            "model": self.model, "output": output, "parallel_tool_calls": true,
            "previous_response_id": null, "reasoning": {"effort": null, "summary": null},
            "store": false, "temperature": null, "text": {"format": {"type": "text"}},
            "tool_choice": "auto", "tools": [], "top_p": null, "truncation": "disabled",
            "usage": null,
        })
    }

    /// The response when it is complete.
    pub(super) fn over(
        &self,
        finish: &Finish,
        output: Vec<Value>,
        counts: Option<TokenCounts>,
    ) -> Value {
        let mut response = self.response(status(finish), output);
        if let Some(reason) = incomplete_reason(finish) {
            response["incomplete_details"] = json!({ "reason": reason });
        }
        if let Some(counts) = counts {
            response["usage"] = usage::write(counts);
        }
        response
    }

    /// The response when it has failed.
    pub(super) fn failed(&self, output: Vec<Value>, message: &str, code: &str) -> Value {
        let mut response = self.response("failed", output);
        response["error"] = json!({"code": code, "message": message});
        response
    }
}
