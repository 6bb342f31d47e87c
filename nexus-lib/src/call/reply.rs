use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderMap, StatusCode};

use crate::error::Error;
use crate::wire::Usage;

/// What a provider answered, or a layer in its place: a head, and a body in the client's protocol.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reply {
    /// The upstream's status.
    pub status: StatusCode,
    /// The upstream's end-to-end headers; what must not pass has been taken out.
    pub headers: HeaderMap,
    /// The body.
    pub body: ReplyBody,
    /// The layer that answered, where no provider did.
    pub answered_by: Option<Arc<str>>,
}

impl Reply {
    /// A reply with this head and this body.
    pub fn new(status: StatusCode, headers: HeaderMap, body: ReplyBody) -> Self {
        Self {
            status,
            headers,
            body,
            answered_by: None,
        }
    }

    /// Names the layer that answered: on the ledger, and in the header `x-nexus-answered-by`.
    #[must_use]
    pub fn answered_by(mut self, name: impl Into<Arc<str>>) -> Self {
        self.answered_by = Some(name.into());
        self
    }
}

/// A reply's body.
pub enum ReplyBody {
    /// All of it, as it came.
    Full {
        /// The bytes for the client.
        bytes: Bytes,
        /// What was seen in them.
        observed: Observed,
    },
    /// Server-sent events, as they come.
    Stream(ReplyStream),
}

impl fmt::Debug for ReplyBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { bytes, observed } => f
                .debug_struct("Full")
                .field("len", &bytes.len())
                .field("observed", observed)
                .finish(),
            Self::Stream(_) => f.write_str("Stream(…)"),
        }
    }
}

/// A stream of pieces. It ends with `None` after a whole answer and with `Err` after a cut one.
///
/// Dropping it must drop the upstream's request.
pub type ReplyStream = Pin<Box<dyn Stream<Item = Result<Piece, Error>> + Send>>;

/// One or more whole events, and what was seen in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Piece {
    /// The bytes for the client: may be empty, when all of the events were hidden from it.
    pub bytes: Bytes,
    /// What was seen, hidden events included.
    pub observed: Observed,
}

impl Piece {
    /// Events in which `observed` was seen.
    pub fn new(bytes: impl Into<Bytes>, observed: Observed) -> Self {
        let bytes = bytes.into();
        Self { bytes, observed }
    }
}

/// What a provider saw in bytes that passed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Observed {
    /// The last usage that was reported.
    pub usage: Option<Usage>,
    /// Whether that usage was counted here: the provider reported none.
    pub is_estimated: bool,
    /// The figures of the prompt, where they were reported before there was an answer.
    pub prompt: Option<Usage>,
    /// A choice said why it finished.
    pub finished: bool,
    /// The protocol's own last event passed, such as `data: [DONE]`.
    pub terminal: bool,
    /// The upstream reported an error inside a successful answer.
    pub error: Option<Box<str>>,
    /// The status that the provider answered with, where it is not that of the reply.
    pub status: Option<StatusCode>,
}

impl Observed {
    /// The answer is over: a reason to finish and the protocol's last event have passed.
    pub fn ended() -> Self {
        Self {
            finished: true,
            terminal: true,
            ..Self::default()
        }
    }

    /// This, with what the answer took.
    #[must_use]
    pub fn with_usage(mut self, usage: Usage) -> Self {
        self.usage = Some(usage);
        self
    }

    /// Adds what was seen later; the last usage wins.
    pub fn merge(&mut self, later: Self) {
        if later.usage.is_some() {
            self.usage = later.usage;
            self.is_estimated = later.is_estimated;
        }
        self.prompt = later.prompt.or(self.prompt);
        self.finished |= later.finished;
        self.terminal |= later.terminal;
        if later.error.is_some() {
            self.error = later.error;
        }
        self.status = later.status.or(self.status);
    }
}
