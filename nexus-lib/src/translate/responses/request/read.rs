use super::input;
use crate::error::{Error, ErrorKind, Result};
use crate::translate::draft::Draft;
use crate::translate::reading::{Object, Path};
use crate::translate::responses::tool::Tools;
use crate::translate::{
    Format, Json, Losses, Part, Reasoning, Request, Sampling, Text, Turn, allowed,
};

/// Fields with a place of their own in the neutral form.
const PLACED: [&str; 12] = [
    "model",
    "stream",
    "instructions",
    "input",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_output_tokens",
    "temperature",
    "top_p",
    "reasoning",
    "user",
];

/// Fields that need state at the provider, which is not available elsewhere.
const STATE: [&str; 3] = ["previous_response_id", "conversation", "prompt"];

fn stateless(param: &str) -> Error {
    let message = format!(
        "`{param}` is not supported by the provider of this model, since nothing is stored; send \
         the whole conversation as `input`"
    );
    Error::new(ErrorKind::InvalidRequest, message).with_param(param.to_owned())
}

/// Reads a Responses client's request.
///
/// # Errors
/// `InvalidRequest`, naming the parameter by its path, such as `input[2].content[0].image_url`;
/// also for features that only the provider's own Responses have.
pub(crate) fn read(body: &[u8]) -> Result<Request> {
    finish(begin(body)?, body)
}

/// Reads the messages of a Responses client's request.
///
/// # Errors
/// `InvalidRequest` when `body` is not an object.
pub(crate) fn begin(body: &[u8]) -> Result<Draft> {
    let at = Path::Request;
    let object = Object::parse(body, &at)?;
    let mut draft = Draft::default();
    match object.get::<String>("instructions", &at) {
        Ok(Some(instructions)) => draft.turns.push(Turn::System(vec![text(instructions)])),
        Ok(None) => {}
        Err(fault) => draft.early_fault = Some(fault),
    }
    input::read(&object, &at, &mut draft);
    draft.rest = object.into_places(body, &["instructions", "input"]);
    Ok(draft)
}

/// Reads the rest of the request `body`, whose messages are in `draft`.
///
/// # Errors
/// As [`read`].
pub(crate) fn finish(mut draft: Draft, body: &[u8]) -> Result<Request> {
    let at = Path::Request;
    let body = draft.take_rest(body)?;
    let mut request = Request {
        model: body.need("model", &at)?,
        stream: body.get("stream", &at)?.unwrap_or_default(),
        parallel_tool_calls: body.get("parallel_tool_calls", &at)?,
        max_tokens: body.get("max_output_tokens", &at)?,
        sampling: Sampling {
            temperature: body.get("temperature", &at)?,
            top_p: body.get("top_p", &at)?,
            ..Sampling::default()
        },
        reasoning: reasoning(&body, &at)?,
        user: body.get("user", &at)?,
        turns: std::mem::take(&mut draft.turns),
        extra: std::mem::take(&mut draft.extra),
        ..Request::default()
    };
    if let Some(fault) = draft.early_fault.take() {
        return Err(fault);
    }
    let mut tools = Tools::default();
    tools.add_all(&body, &at)?;
    draft.check()?;
    tools.merge(draft.tools);
    request.tool_choice = tools.choice(&body, &at)?;
    tools.finish(&mut request);
    if let (None, Some(choice)) = (&request.tool_choice, body.raw("tool_choice")) {
        let at = at.key("tool_choice");
        allowed::read(&Object::of(choice, &at)?, &at, &mut request)?;
    }
    format(&body, &at, &mut request)?;
    for (name, json) in body.members() {
        let value = json.get();
        match name {
            placed if PLACED.contains(&placed) => {}
            "text" => {}
            // Values without effect here.
            "store" | "background" if value == "false" => {}
            "truncation" if value == r#""disabled""# => {}
            "include" if value == "[]" => {}
            "top_logprobs" if value == "0" => {}
            "background" | "top_logprobs" => return Err(Losses::refusal(name)),
            state if STATE.contains(&state) => return Err(stateless(state)),
            // Chat's fields of these names have other meanings.
            "store" | "stream_options" => {
                let name = format!("responses.{name}");
                request.extra.push((name, Json::of(json)));
            }
            other => request.extra.push((other.to_owned(), Json::of(json))),
        }
    }
    Ok(request)
}

pub(super) fn text(text: String) -> Part {
    Part::Text(Text { text, cache: None })
}

fn reasoning(body: &Object<'_>, at: &Path<'_>) -> Result<Option<Reasoning>> {
    let Some(reasoning) = body.object("reasoning", at)? else {
        return Ok(None);
    };
    let at = at.key("reasoning");
    let effort: Option<String> = reasoning.get("effort", &at)?;
    let summary: Option<String> = reasoning.get("summary", &at)?;
    if effort.is_none() && summary.is_none() {
        return Ok(None);
    }
    Ok(Some(Reasoning {
        effort,
        budget_tokens: None,
        is_shown: summary.map(|summary| summary != "none"),
    }))
}

fn format(body: &Object<'_>, at: &Path<'_>, request: &mut Request) -> Result<()> {
    let Some(text) = body.object("text", at)? else {
        return Ok(());
    };
    let at = at.key("text");
    if let Some(verbosity) = text.json("verbosity") {
        request.extra.push(("verbosity".to_owned(), verbosity));
    }
    let Some(format) = text.object("format", &at)? else {
        return Ok(());
    };
    let at = at.key("format");
    let kind: String = format.need("type", &at)?;
    request.format = Some(match kind.as_str() {
        "text" => Format::Text,
        "json_object" => Format::Json,
        "json_schema" => Format::Schema {
            name: format.need("name", &at)?,
            description: format.get("description", &at)?,
            schema: format
                .json("schema")
                .ok_or_else(|| at.key("schema").invalid("is missing"))?,
            strict: format.get("strict", &at)?,
        },
        _ => {
            return Err(at
                .key("type")
                .invalid("must be `text`, `json_object` or `json_schema`"));
        }
    });
    Ok(())
}
