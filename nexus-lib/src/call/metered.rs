use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderMap, StatusCode};

use crate::call::Target;
use crate::error::Error;
use crate::wire::{ConversationId, RequestId};

/// A reply whose request is on the ledger: the only kind that reaches a client, and only the meter
/// makes one.
#[derive(Debug)]
#[non_exhaustive]
pub struct Metered {
    /// The request's id.
    pub request_id: RequestId,
    /// The conversation that it belongs to.
    pub conversation_id: ConversationId,
    /// Who answered, or would have been asked.
    pub target: Target,
    /// The layer that answered, where no provider did.
    pub answered_by: Option<Arc<str>>,
    /// The upstream's status.
    pub status: StatusCode,
    /// The upstream's end-to-end headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: MeteredBody,
}

/// The body of a [`Metered`] reply.
pub enum MeteredBody {
    /// All of it; its usage is on the ledger.
    Full(Bytes),
    /// Server-sent events, as they come; usage is on the ledger before the last of them.
    Stream(MeteredStream),
}

impl fmt::Debug for MeteredBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(bytes) => f.debug_struct("Full").field("len", &bytes.len()).finish(),
            Self::Stream(_) => f.write_str("Stream(…)"),
        }
    }
}

/// Whole events as they come. `Err` is the last item of a stream that broke; dropping the stream
/// drops the upstream's request and settles the call as cancelled.
pub type MeteredStream = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;
