use std::error::Error as StdError;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Response, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::call::{Metered, MeteredBody, RequestBody};
use crate::error::{Error, ErrorKind, Result};
use crate::http::admin::chat::Chats;
use crate::http::admin::json_in::object;
use crate::http::admin::providers::no_provider;
use crate::http::{Body, respond};
use crate::intake::{Arrival, Passport};
use crate::wire::{ChatCompletion, ErrorBody, ProviderId, RequestId, UsageReport, may_think};

/// How long a test may take: longer than most models think, shorter than most operators wait.
const LONGEST: Duration = Duration::from_secs(120);
/// Plenty for a word; without it a small model may not find an end.
const MAX_TOKENS: u32 = 32;
/// The longest text of an upstream's error that is shown where it is no JSON, in characters.
const LONGEST_ERROR: usize = 2000;

#[derive(Deserialize, JsonSchema)]
pub(in crate::http::admin) struct Input {
    /// Whom to ask; the first that the provider has when it is not said.
    model: Option<String>,
}

/// What came of a test.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TestOutcome")]
pub(in crate::http::admin) struct Outcome {
    ok: bool,
    request_id: RequestId,
    /// The model that was asked; none where the provider has none.
    model: Option<String>,
    latency_ms: u128,
    /// The upstream's status, once it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageReport>,
    /// The upstream's own error as it came, or the gateway's with its causes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    error: Option<Box<RawValue>>,
}

/// Sends one tiny chat to this provider and no other, and tells its answer or the exact error.
pub(in crate::http::admin) async fn test(
    chats: &Chats,
    id: ProviderId,
    body: &[u8],
) -> Result<Response<Body>> {
    let Input { model } = match body.trim_ascii() {
        [] => Input { model: None },
        body => object(body)?,
    };
    let registry = chats.registry();
    let snapshot = registry.snapshot();
    let record = snapshot.provider(id).ok_or_else(no_provider)?;
    let model = model.or_else(|| {
        let first = snapshot.models_of(id).next();
        first.map(|model| model.model_name.clone())
    });
    let (request_id, began) = (RequestId::new(), Instant::now());
    let answer = async {
        if !record.fields.enabled {
            return Err(cannot("the provider is disabled; enable it to test it"));
        }
        let model = model
            .as_deref()
            .ok_or_else(|| cannot("the provider has no model yet; add one to test it"))?;
        let mut arrival = Arrival::chat(request_id, registry.operator(), Passport::default());
        arrival.only = Some(id);
        arrival.deadline = Some(began + LONGEST);
        let open = chats.admit()?;
        let body = RequestBody::scan(smallest_chat(model))?;
        let metered = chats.send(chats.call(arrival, body)).await?;
        Ok((metered, open))
    };
    let answer = answer.await;
    let mut outcome = Outcome {
        ok: false,
        request_id,
        model,
        latency_ms: began.elapsed().as_millis(),
        status: None,
        text: None,
        usage: None,
        error: None,
    };
    match answer {
        Ok((metered, _open)) => outcome.answered(metered),
        Err(error) => {
            outcome.status = error.upstream_status().map(|status| status.as_u16());
            outcome.error = told(&error);
        }
    }
    Ok(respond::json(StatusCode::OK, &outcome))
}

fn smallest_chat(model: &str) -> Bytes {
    let mut body = json!({
        "model": model,
        "messages": [{"role": "user", "content": "Reply with the one word: OK"}],
    });
    // Those that think refuse this limit, or spend all of it on their thoughts.
    if !may_think(model) {
        body["max_tokens"] = MAX_TOKENS.into();
    }
    body.to_string().into()
}

impl Outcome {
    fn answered(&mut self, metered: Metered) {
        self.status = Some(metered.status.as_u16());
        let MeteredBody::Full(bytes) = metered.body else {
            self.error = told(&unreadable(
                "the provider streamed what was asked for whole",
            ));
            return;
        };
        if !metered.status.is_success() {
            self.error = upstream_error(&bytes);
            return;
        }
        match serde_json::from_slice::<ChatCompletion>(&bytes) {
            Ok(completion) => {
                self.ok = true;
                self.text = Some(completion.text());
                self.usage = completion.usage;
            }
            Err(cause) => {
                let error = unreadable("the provider's answer is no completion");
                self.error = told(&error.with_source(cause));
            }
        }
    }
}

/// The error in an upstream's answer, as it stands there.
fn upstream_error(bytes: &[u8]) -> Option<Box<RawValue>> {
    #[derive(Deserialize)]
    struct Wrapped {
        error: Box<RawValue>,
    }
    if let Ok(wrapped) = serde_json::from_slice::<Wrapped>(bytes) {
        return Some(wrapped.error);
    }
    let text: String = String::from_utf8_lossy(bytes)
        .chars()
        .take(LONGEST_ERROR)
        .collect();
    to_raw_value(&json!({ "message": text })).ok()
}

/// An error of the gateway's own. Its causes are for the log elsewhere; here the one who reads them
/// is the operator, who has to know why.
fn told(error: &Error) -> Option<Box<RawValue>> {
    let mut told = serde_json::to_value(ErrorBody::from(error).error).unwrap_or_default();
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(one) = cause {
        causes.push(Value::from(one.to_string()));
        cause = one.source();
    }
    if !causes.is_empty() {
        told["causes"] = causes.into();
    }
    to_raw_value(&told).ok()
}

fn cannot(message: &'static str) -> Error {
    Error::new(ErrorKind::Conflict, message)
}

fn unreadable(message: &'static str) -> Error {
    Error::new(ErrorKind::UpstreamInvalid, message)
}
