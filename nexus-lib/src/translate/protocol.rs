use bytes::Bytes;
use http::StatusCode;

use crate::error::Result;
use crate::translate::draft::Draft;
use crate::translate::exchange::steady;
use crate::translate::fault;
use crate::translate::mended::{mended, paired};
use crate::translate::{
    Answered, Event, Losses, Request, chat, gemini, messages, ollama, responses,
};
use crate::wire::Operation;

/// A protocol that clients speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientProtocol {
    /// OpenAI's chat completions.
    Chat,
    /// Anthropic's Messages.
    Messages,
    /// OpenAI's Responses.
    Responses,
}

/// A protocol that providers speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProviderProtocol {
    /// OpenAI's chat completions.
    Chat,
    /// Anthropic's Messages.
    Messages,
    /// OpenAI's Responses.
    Responses,
    /// Google's `generateContent`.
    Gemini,
    /// Ollama's own chat: its streams are lines of JSON instead of events.
    Ollama,
}

/// An error: a message, and the provider's type and code.
pub type Fault = (String, Option<String>, Option<String>);

impl ClientProtocol {
    /// The protocol of requests for `operation`, if they are chats.
    pub const fn of(operation: Operation) -> Option<Self> {
        match operation {
            Operation::ChatCompletion => Some(Self::Chat),
            Operation::Message => Some(Self::Messages),
            Operation::Response => Some(Self::Responses),
            _ => None,
        }
    }

    /// Reads a request. An unpaired surrogate in it becomes U+FFFD.
    ///
    /// # Errors
    /// `InvalidRequest` naming the parameter at fault.
    pub fn read_request(self, body: &[u8]) -> Result<Request> {
        let body = &*paired(body);
        match self {
            Self::Chat => chat::request::read(body),
            Self::Messages => messages::request::read(body),
            Self::Responses => responses::request::read(body),
        }
    }

    /// Reads the messages of a request, and no more; `None` for chats, which are read in one go.
    ///
    /// # Errors
    /// `InvalidRequest` when `body` is not an object.
    pub(crate) fn begin_request(self, body: &[u8]) -> Result<Option<Draft>> {
        let body = &*paired(body);
        match self {
            Self::Chat => Ok(None),
            Self::Messages => messages::request::begin(body).map(Some),
            Self::Responses => responses::request::begin(body).map(Some),
        }
    }

    /// Reads the rest of the request `body`, which was begun.
    ///
    /// # Errors
    /// As [`read_request`](Self::read_request).
    pub(crate) fn finish_request(self, draft: Draft, body: &[u8]) -> Result<Request> {
        let body = &*paired(body);
        match self {
            Self::Chat => chat::request::read(body),
            Self::Messages => messages::request::finish(draft, body),
            Self::Responses => responses::request::finish(draft, body),
        }
    }

    /// Writes a whole answer to a client that asked for `model`.
    pub fn write_reply(self, answered: &Answered, model: &str) -> Vec<u8> {
        match self {
            Self::Chat => chat::reply::write(answered, model),
            Self::Messages => messages::reply::write(answered, model),
            Self::Responses => responses::reply::write(answered, model),
        }
    }

    /// The writer of the stream that answers `request`.
    pub fn writer(self, request: &Request) -> Writer {
        let model = &request.model;
        match self {
            Self::Chat => Writer::Chat(chat::stream::Writer::new(
                model,
                chat::stream::Options::of(request),
            )),
            Self::Messages => {
                let options = messages::stream::Options::default();
                Writer::Messages(messages::stream::Writer::new(model, options))
            }
            Self::Responses => {
                let options = responses::stream::Options::default();
                Writer::Responses(responses::stream::Writer::new(model, options))
            }
        }
    }

    /// The status that clients of this protocol expect for a provider's `status`.
    pub fn status(self, status: StatusCode) -> StatusCode {
        match self {
            Self::Chat => chat::error::status(status),
            Self::Messages => messages::error::status(status),
            Self::Responses => responses::error::status(status),
        }
    }

    /// Writes an error.
    pub fn write_error(
        self,
        status: StatusCode,
        message: &str,
        kind: Option<&str>,
        code: Option<&str>,
    ) -> Vec<u8> {
        match self {
            Self::Chat => chat::error::write(status, message, kind, code),
            Self::Messages => messages::error::write(status, message, kind, code),
            Self::Responses => responses::error::write(status, message, kind, code),
        }
    }
}

impl ProviderProtocol {
    /// Writes a request for `model`, the provider's name of the model.
    ///
    /// # Errors
    /// `InvalidRequest` naming the parameter that this protocol cannot express.
    pub fn write_request(
        self,
        request: &Request,
        model: &str,
        losses: &mut Losses,
    ) -> Result<Vec<u8>> {
        match self {
            Self::Chat => chat::request::write(request, model, losses),
            Self::Messages => messages::request::write(request, model, losses),
            Self::Responses => responses::request::write(request, model, losses),
            Self::Gemini => gemini::request::write(request, model, losses),
            Self::Ollama => ollama::request::write(request, model, losses),
        }
    }

    /// Reads a whole answer and normalises it like a stream: each call has its own id and
    /// arguments.
    ///
    /// # Errors
    /// `UpstreamInvalid` when it is not an answer.
    pub fn read_reply(self, body: &[u8]) -> Result<Answered> {
        let body = &*mended(body);
        let mut answered = match self {
            Self::Chat => chat::reply::read(body),
            Self::Messages => messages::reply::read(body),
            Self::Responses => responses::reply::read(body),
            Self::Gemini => gemini::reply::read(body),
            Self::Ollama => ollama::reply::read(body),
        }?;
        steady(&mut answered);
        Ok(answered)
    }

    /// Reads the error in a body that came with a success status. `None` if there is none.
    pub fn read_fault(self, body: &[u8]) -> Option<Fault> {
        let body = &*mended(body);
        fault::is_fault(self, body).then(|| self.read_error(StatusCode::OK, body))
    }

    /// Reads an error response.
    pub fn read_error(self, status: StatusCode, body: &[u8]) -> Fault {
        let body = &*mended(body);
        match self {
            Self::Chat => chat::error::read(status, body),
            Self::Messages => messages::error::read(status, body),
            Self::Responses => responses::error::read(status, body),
            Self::Gemini => gemini::error::read(status, body),
            Self::Ollama => ollama::error::read(status, body),
        }
    }
}

impl From<ClientProtocol> for ProviderProtocol {
    fn from(protocol: ClientProtocol) -> Self {
        match protocol {
            ClientProtocol::Chat => Self::Chat,
            ClientProtocol::Messages => Self::Messages,
            ClientProtocol::Responses => Self::Responses,
        }
    }
}

/// Writes a client's stream.
#[derive(Debug)]
pub enum Writer {
    /// As chat completion chunks.
    Chat(chat::stream::Writer),
    /// As Anthropic's events.
    Messages(messages::stream::Writer),
    /// As OpenAI's typed events.
    Responses(responses::stream::Writer),
}

impl Writer {
    /// The bytes for `event`; may be empty.
    pub fn push(&mut self, event: Event) -> Bytes {
        match self {
            Self::Chat(writer) => writer.push(event),
            Self::Messages(writer) => writer.push(event),
            Self::Responses(writer) => writer.push(event),
        }
    }
}
