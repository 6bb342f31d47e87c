use std::net::IpAddr;
use std::time::Duration;

use http::StatusCode;

use crate::call::Target;
use crate::error::{Error, ErrorKind};
use crate::wire::RequestId;

/// An attempt failed before any part of an answer was sent.
#[derive(Debug)]
#[non_exhaustive]
pub struct FailedAttempt<'a> {
    /// The call's id.
    pub request_id: RequestId,
    /// The provider that failed.
    pub target: &'a Target,
    /// Its status, if it answered.
    pub status: Option<StatusCode>,
    /// Why it did not answer, if so.
    pub error: Option<ErrorKind>,
    /// What follows.
    pub next: AfterFailure,
}

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AfterFailure {
    /// Another candidate is asked.
    FailsOver,
    /// The same one is retried, after a short wait.
    Retries,
    /// The client gets an error.
    GivesUp,
}

/// A cooldown has started.
#[derive(Debug)]
#[non_exhaustive]
pub struct CooldownStarted<'a> {
    /// The provider, and the requested model.
    pub target: &'a Target,
    /// Its length.
    pub duration: Duration,
}

/// Rows have become durable.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct LedgerCommit {
    /// How many: opening and settling a call count as one each.
    pub rows: usize,
    /// How long the store took.
    pub duration: Duration,
}

/// A request was rejected before it had a row on the ledger.
#[derive(Debug)]
#[non_exhaustive]
pub struct RefusedRequest<'a> {
    /// Its `x-request-id`; there is no row with it.
    pub request_id: RequestId,
    /// Where it arrived.
    pub edge: Edge,
    /// The answer's status.
    pub status: StatusCode,
    /// The answer's `code`: one of a fixed set of words.
    pub reason: &'static str,
    /// The message that the client got. It contains no key, but may contain names from the request.
    pub message: &'a str,
    /// The client's address, if the server passed it on.
    pub client: Option<IpAddr>,
}

/// Where requests arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Edge {
    /// HTTP on the LLM port.
    Api,
    /// A WebSocket of the LLM port.
    Socket,
    /// The admin port.
    Admin,
    /// The application that embeds the gateway.
    InProcess,
}

impl Edge {
    /// Its name in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Socket => "websocket",
            Self::Admin => "admin",
            Self::InProcess => "in process",
        }
    }
}

impl<'a> RefusedRequest<'a> {
    pub(crate) fn new(
        request_id: RequestId,
        edge: Edge,
        error: &Error,
        message: &'a str,
        client: Option<IpAddr>,
    ) -> Self {
        Self {
            request_id,
            edge,
            status: error.status(),
            reason: error.kind().code(),
            message,
            client,
        }
    }
}

impl<'a> FailedAttempt<'a> {
    pub(crate) fn new(
        request_id: RequestId,
        target: &'a Target,
        (status, error): (Option<StatusCode>, Option<ErrorKind>),
        next: AfterFailure,
    ) -> Self {
        Self {
            request_id,
            target,
            status,
            error,
            next,
        }
    }
}
