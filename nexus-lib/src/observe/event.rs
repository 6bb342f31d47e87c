use std::net::IpAddr;
use std::time::Duration;

use http::StatusCode;

use crate::call::Target;
use crate::error::{Error, ErrorKind};
use crate::wire::RequestId;

/// An attempt that failed before anything of an answer went out.
#[derive(Debug)]
#[non_exhaustive]
pub struct FailedAttempt<'a> {
    /// The call's.
    pub request_id: RequestId,
    /// Who failed.
    pub target: &'a Target,
    /// What it answered, if it answered.
    pub status: Option<StatusCode>,
    /// Why it did not answer, if it did not.
    pub error: Option<ErrorKind>,
    /// What is done about it.
    pub next: AfterFailure,
}

/// What follows an attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// Another candidate is asked.
    FailsOver,
    /// The same one is asked again, a little later.
    Retries,
    /// The client is told.
    GivesUp,
}

/// A rest that begins.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rest<'a> {
    /// Whose, and the model that was asked for.
    pub target: &'a Target,
    /// How long it is to last.
    pub duration: Duration,
}

/// Rows that are durable.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct LedgerCommit {
    /// How many: a beginning and an ending count as one each.
    pub rows: usize,
    /// How long the store took.
    pub duration: Duration,
}

/// A request that was refused before it had a row on the ledger.
#[derive(Debug)]
#[non_exhaustive]
pub struct RefusedRequest<'a> {
    /// Its `x-request-id`; no row has it.
    pub request_id: RequestId,
    /// Where it came in.
    pub edge: Edge,
    /// The answer's status.
    pub status: StatusCode,
    /// The answer's `code`: one of a fixed set of words.
    pub reason: &'static str,
    /// What the client was told. It shows no key, but may name what the client asked for.
    pub message: &'a str,
    /// The client's address, where the server told it.
    pub client: Option<IpAddr>,
}

/// Where requests come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Edge {
    /// The LLM port, by HTTP.
    Api,
    /// A WebSocket of the LLM port.
    Socket,
    /// The admin port.
    Admin,
    /// The program that the gateway is part of.
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
