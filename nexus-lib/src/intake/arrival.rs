use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};

use crate::call::{Call, Operation, Principal, RequestBody};
use crate::conversation::Conversations;
use crate::error::{Error, ErrorKind, Result};
use crate::offload;
use crate::provider::headers::forwardable;
use crate::wire::{self, ConversationId, Hop, ProviderId, RequestId};

static CONVERSATION_ID: HeaderName = HeaderName::from_static("x-conversation-id");
static TIMEOUT: HeaderName = HeaderName::from_static("x-request-timeout-ms");
static SESSION_ID: HeaderName = HeaderName::from_static("x-session-id");
/// Where agents say which of their sessions a request is of: Codex, and those who took after it;
/// Claude Code.
static SESSIONS: [HeaderName; 4] = [
    HeaderName::from_static("session-id"),
    HeaderName::from_static("session_id"),
    HeaderName::from_static("thread-id"),
    HeaderName::from_static("x-claude-code-session-id"),
];

/// A day.
const LONGEST_TIMEOUT_MS: u32 = 86_400_000;

/// A request that arrived, but for its body.
pub(crate) struct Arrival {
    pub(crate) id: RequestId,
    pub(crate) principal: Principal,
    pub(crate) operation: Operation,
    /// The conversation that the client names.
    pub(crate) conversation: Option<ConversationId>,
    /// The only provider that may answer, where one was asked for by its id.
    pub(crate) only: Option<ProviderId>,
    /// When the client stops waiting, if it says so.
    pub(crate) deadline: Option<Instant>,
    pub(crate) passport: Passport,
}

/// What a request's head says that goes on with its call.
#[derive(Clone, Default)]
pub(crate) struct Passport {
    /// Those of the client's headers that may go upstream.
    pub(crate) headers: HeaderMap,
    /// What the server has added to the request.
    pub(crate) extensions: Extensions,
    /// How long the client waits, if it says so.
    pub(crate) timeout: Option<Duration>,
}

impl Passport {
    /// Reads the head of a request; `passed` is what [`Hop::arrives`] gave for it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for a time that is none.
    pub(crate) fn read(headers: &HeaderMap, passed: Option<HeaderValue>) -> Result<Self> {
        let timeout = timeout(headers)?;
        let mut headers = forwardable(headers);
        Hop::keep(passed, &mut headers);
        Ok(Self {
            headers,
            extensions: Extensions::new(),
            timeout,
        })
    }

    /// When a client that asks now stops waiting.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.timeout.map(|timeout| Instant::now() + timeout)
    }

    /// With what the server has added to the request.
    pub(crate) fn with(mut self, extensions: Extensions) -> Self {
        self.extensions = extensions;
        self
    }
}

impl Arrival {
    /// A chat completion that arrives now.
    pub(crate) fn chat(id: RequestId, principal: Principal, passport: Passport) -> Self {
        Self {
            id,
            principal,
            operation: Operation::ChatCompletion,
            conversation: None,
            only: None,
            deadline: passport.deadline(),
            passport,
        }
    }

    /// The call of it and its body, in its conversation.
    pub(crate) fn into_call(self, conversations: &Conversations, body: RequestBody) -> Call {
        let mut call = Call::new(self.id, self.principal, self.operation, body);
        conversations.place(&mut call, self.conversation);
        call.only = self.only;
        call.headers = self.passport.headers;
        call.extensions = self.passport.extensions;
        call.deadline = self.deadline;
        call
    }
}

/// Reads a body. Other chats are translated to recognise their conversation, which
/// takes longer.
///
/// # Errors
/// As [`RequestBody::scan_for`].
pub(crate) async fn read(
    operation: Operation,
    body: Bytes,
    content_type: Option<HeaderValue>,
) -> Result<RequestBody> {
    if operation == Operation::ChatCompletion {
        return RequestBody::scan_for(operation, body, content_type);
    }
    let len = body.len();
    let scan = move || RequestBody::scan_for(operation, body, content_type);
    Box::pin(offload::by_length(len, scan)).await
}

/// The conversation that the client names, if it names one.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] for a name that is none.
pub(crate) fn conversation(headers: &HeaderMap) -> Result<Option<ConversationId>> {
    let Some(value) = headers
        .get(&CONVERSATION_ID)
        .or_else(|| headers.get(&SESSION_ID))
    else {
        let mut names = SESSIONS.iter().filter_map(|name| headers.get(name));
        // Theirs was never meant for a gateway: one that is no name says nothing.
        return Ok(names.find_map(|name| name.to_str().ok()?.parse().ok()));
    };
    // What is no text has no visible ASCII characters either; the parser says so.
    value.to_str().unwrap_or_default().parse().map(Some)
}

/// How long the client waits, if it says so.
fn timeout(headers: &HeaderMap) -> Result<Option<Duration>> {
    let Some(value) = headers.get(&TIMEOUT) else {
        return Ok(None);
    };
    let millis = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok());
    match millis {
        Some(millis @ 1..=LONGEST_TIMEOUT_MS) => Ok(Some(wire::millis(millis))),
        _ => Err(Error::new(
            ErrorKind::InvalidRequest,
            "x-request-timeout-ms is a whole number of milliseconds from 1 to 86400000",
        )
        .with_param("x-request-timeout-ms")),
    }
}
