//! Frames between client and server: one JSON object in each text frame.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::label::Label;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::{ConversationId, ErrorBody, ErrorDetail, ProviderId, RequestId};

/// The maximum length of a chat's id, in bytes.
const MAX_ID_BYTES: usize = 128;

/// A frame from a client.
pub(super) enum ClientFrame {
    Auth {
        key: String,
    },
    Chat(ChatFrame),
    Cancel {
        id: Arc<str>,
    },
    Ping,
    Resume {
        id: Arc<str>,
        request_id: RequestId,
        after: u64,
    },
}

/// A chat to open.
pub(super) struct ChatFrame {
    pub(super) label: Label,
    /// The body of a chat completion.
    pub(super) request: String,
    pub(super) conversation: Option<ConversationId>,
    /// Whether it should outlive the socket for a while.
    pub(super) is_resumable: bool,
    /// The only provider that may answer.
    pub(super) only: Option<ProviderId>,
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    request: Option<&'a RawValue>,
    #[serde(borrow, default)]
    conversation_id: Option<Cow<'a, str>>,
    #[serde(default)]
    resumable: Option<bool>,
    #[serde(borrow, default)]
    request_id: Option<Cow<'a, str>>,
    #[serde(default)]
    after: Option<u64>,
    #[serde(borrow, default)]
    message: Option<Cow<'a, str>>,
    #[serde(default)]
    provider_id: Option<i64>,
    #[serde(borrow, default)]
    model_name: Option<Cow<'a, str>>,
}

/// An invalid frame: the id of its chat, if it could be read, and the error.
pub(super) struct Refused(pub(super) Option<String>, pub(super) Error);

impl ClientFrame {
    /// Reads a text frame.
    pub(super) fn read(text: &str) -> Result<Self, Refused> {
        let fields: Fields<'_> =
            serde_json::from_str(text).map_err(|error| Refused(id_of(text), malformed(&error)))?;
        let id = fields.id.as_deref().map(str::to_owned);
        fields.into_frame().map_err(|error| Refused(id, error))
    }
}

impl Fields<'_> {
    fn into_frame(self) -> Result<ClientFrame> {
        match self.kind.as_deref() {
            Some("auth") => Ok(ClientFrame::Auth {
                key: self.key.ok_or_else(|| missing("key"))?.into_owned(),
            }),
            Some("chat") => {
                let request = self.request.ok_or_else(|| missing("request"))?;
                if !request.get().starts_with('{') {
                    return Err(invalid("request", "`request` must be an object"));
                }
                let conversation = self.conversation_id.map(|id| id.parse()).transpose()?;
                Ok(ClientFrame::Chat(ChatFrame {
                    label: Label::Named(name(self.id)?),
                    request: request.get().to_owned(),
                    conversation,
                    is_resumable: self.resumable.unwrap_or(false),
                    only: None,
                }))
            }
            Some("cancel") => Ok(ClientFrame::Cancel { id: name(self.id)? }),
            Some("ping") => Ok(ClientFrame::Ping),
            Some("resume") => {
                let request_id = self.request_id.ok_or_else(|| missing("request_id"))?;
                let request_id = request_id.parse();
                Ok(ClientFrame::Resume {
                    id: name(self.id)?,
                    request_id: request_id
                        .map_err(|_| invalid("request_id", "`request_id` must be a UUID"))?,
                    after: self.after.unwrap_or(0),
                })
            }
            Some(_) => Err(invalid(
                "type",
                "`type` must be chat, cancel, ping, resume or auth",
            )),
            None => self.into_short(),
        }
    }

    /// `{"message":…,"provider_id":…,"model_name":…}`: one user message.
    fn into_short(self) -> Result<ClientFrame> {
        let Some(message) = self.message else {
            return Err(invalid("type", "`type` is missing, and so is `message`"));
        };
        let model = self.model_name.ok_or_else(|| missing("model_name"))?;
        let request = ShortRequest {
            model: &model,
            messages: [ShortMessage {
                role: "user",
                content: &message,
            }],
        };
        Ok(ClientFrame::Chat(ChatFrame {
            label: Label::Short,
            request: to_json(&request),
            conversation: None,
            is_resumable: false,
            only: self.provider_id.map(ProviderId),
        }))
    }
}

#[derive(Serialize)]
struct ShortRequest<'a> {
    model: &'a str,
    messages: [ShortMessage<'a>; 1],
}

#[derive(Serialize)]
struct ShortMessage<'a> {
    role: &'static str,
    content: &'a str,
}

fn name(id: Option<Cow<'_, str>>) -> Result<Arc<str>> {
    let id = id.ok_or_else(|| missing("id"))?;
    if id.is_empty() || id.len() > MAX_ID_BYTES {
        return Err(invalid("id", "`id` has 1 to 128 bytes"));
    }
    Ok(id.into())
}

/// The id of the chat in a frame whose other fields are invalid.
fn id_of(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Id {
        id: Option<String>,
    }
    serde_json::from_str::<Id>(text).ok()?.id
}

fn malformed(error: &serde_json::Error) -> Error {
    // What was expected, never what was sent: that may be a prompt or a key.
    let text = match error.classify() {
        serde_json::error::Category::Data => {
            "the frame must be an object whose fields are of the right types"
        }
        _ => "the frame is not valid JSON",
    };
    Error::new(
        ErrorKind::InvalidRequest,
        format!(
            "{text}; see line {}, column {}",
            error.line(),
            error.column()
        ),
    )
}

fn missing(field: &'static str) -> Error {
    let message = format!("`{field}` is missing; it is required");
    Error::new(ErrorKind::InvalidRequest, message).with_param(field)
}

pub(super) fn invalid(field: &'static str, message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidRequest, message).with_param(field)
}

/// A frame from the server.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum ServerFrame<'a> {
    /// A resumable chat has these ids, by which it can be resumed.
    Accepted {
        id: &'a str,
        request_id: RequestId,
        conversation_id: &'a ConversationId,
    },
    Chunk {
        id: &'a str,
        seq: u64,
        data: Data<'a>,
    },
    Completion {
        id: &'a str,
        data: Data<'a>,
    },
    /// The short form: the whole text so far.
    Message {
        content: &'a str,
    },
    Done {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        conversation_id: &'a ConversationId,
        request_id: RequestId,
        finish_reason: Option<&'a str>,
        usage: Option<&'a RawValue>,
    },
    Error {
        id: Option<&'a str>,
        error: Data<'a>,
    },
    Pong,
}

/// JSON as received, or anything else as a string.
pub(super) enum Data<'a> {
    Json(&'a RawValue),
    Text(Cow<'a, str>),
    Own(ErrorDetail<'a>),
}

impl Serialize for Data<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Json(json) => json.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Own(error) => error.serialize(serializer),
        }
    }
}

impl<'a> Data<'a> {
    pub(super) fn of(data: &'a [u8]) -> Self {
        match serde_json::from_slice(data) {
            Ok(json) => Self::Json(json),
            Err(_) => Self::Text(String::from_utf8_lossy(data)),
        }
    }
}

impl ServerFrame<'_> {
    pub(super) fn to_json(&self) -> String {
        to_json(self)
    }
}

/// The frame for `error`.
pub(super) fn error(id: Option<&str>, error: &Error) -> String {
    let error = Data::Own(ErrorBody::from(error).error);
    ServerFrame::Error { id, error }.to_json()
}

/// The frame for an upstream's own error.
pub(super) fn refusal(id: Option<&str>, body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        error: &'a RawValue,
    }
    match serde_json::from_slice::<Body<'_>>(body) {
        Ok(Body { error }) if error.get().starts_with('{') => {
            let error = Data::Json(error);
            ServerFrame::Error { id, error }.to_json()
        }
        _ => {
            let message = "the provider rejected the request without a readable message";
            self::error(id, &Error::new(ErrorKind::UpstreamRefused, message))
        }
    }
}

fn to_json(value: &impl Serialize) -> String {
    // Writing strings into a growing buffer cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}
