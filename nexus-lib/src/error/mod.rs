//! Errors as values.
//!
//! Every fallible public function of this crate returns [`Error`]: an opaque value with a
//! [`kind`](Error::kind) to match on, an [`origin`](Error::origin) that says who caused it, a
//! message that may be shown to a client, and a [`source`](std::error::Error::source) that may not.
//!
//! `Display` is written for the client: it says what to do, and never contains a key or an
//! upstream's address. Logs get the source chain as well; see [`Error::report`].

mod cause;
mod kind;
mod refusal;
mod upstream;

pub use cause::Cause;
pub use kind::{ErrorKind, Origin};
pub use upstream::UpstreamError;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use refusal::Refusal;

/// A boxed error, as in tower and hyper.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// The result of fallible functions in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call, a registration or a query failed.
///
/// ```
/// use nexus_lib::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::Unprocessable, "`name` must not be empty").with_param("name");
/// assert_eq!(error.status(), 422);
/// assert!(!error.is_timeout());
/// ```
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    param: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
    provider: Option<Arc<str>>,
    cause: Option<Cause>,
    upstream_status: Option<StatusCode>,
    upstream: Option<UpstreamError>,
    refusal: Option<Refusal>,
    answered_by: Option<Arc<str>>,
    source: Option<BoxError>,
    /// Whether the failed call has a row.
    is_on_ledger: bool,
}

impl Error {
    /// An error of `kind` with a `message` for the client.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
                param: None,
                retry_after: None,
                provider: None,
                cause: None,
                upstream_status: None,
                upstream: None,
                refusal: None,
                answered_by: None,
                source: None,
                is_on_ledger: false,
            }),
        }
    }

    /// The same error for another one who asks, without its source.
    pub(crate) fn repeated(&self) -> Self {
        let mut error = Self::new(self.inner.kind, self.inner.message.clone());
        error.inner.param.clone_from(&self.inner.param);
        error
    }

    /// The client's deadline expired.
    pub(crate) fn deadline_exceeded() -> Self {
        Self::new(
            ErrorKind::DeadlineExceeded,
            "no answer within the request's x-request-timeout-ms; raise it or try again",
        )
    }

    /// Names the field or parameter at fault.
    #[must_use]
    pub fn with_param(mut self, param: impl Into<Cow<'static, str>>) -> Self {
        self.inner.param = Some(param.into());
        self
    }

    /// Sets when to try again; becomes a `retry-after` header.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.inner.retry_after = Some(after);
        self
    }

    /// Names the provider that was asked.
    #[must_use]
    pub fn with_provider(mut self, name: Arc<str>) -> Self {
        self.inner.provider = Some(name);
        self
    }

    /// Sets why a provider could not be reached, or did not finish: for the ledger and for
    /// operators.
    #[must_use]
    pub fn with_cause(mut self, cause: Cause) -> Self {
        self.inner.cause = Some(cause);
        self
    }

    /// Sets the provider's status, unless there is one already.
    #[must_use]
    pub fn with_upstream_status(mut self, status: StatusCode) -> Self {
        self.inner.upstream_status.get_or_insert(status);
        self
    }

    /// Sets the provider's error. Its parameter at fault and its wait become this error's own.
    #[must_use]
    pub fn with_upstream(mut self, refusal: UpstreamError) -> Self {
        self.inner.retry_after = self.inner.retry_after.or(refusal.retry_after);
        if self.inner.param.is_none() {
            self.inner.param = refusal.param.clone().map(Cow::Owned);
        }
        self.inner.upstream_status.get_or_insert(refusal.status);
        self.inner.upstream = Some(refusal);
        self
    }

    /// Sets the source. It is never shown to a client.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// Notes that the failed call has a row on the ledger.
    pub(crate) fn on_ledger(mut self) -> Self {
        self.inner.is_on_ledger = true;
        self
    }

    /// Whether the failed call has a row on the ledger.
    pub(crate) fn is_on_ledger(&self) -> bool {
        self.inner.is_on_ledger
    }

    /// The same error in other words: `message` for the client, and `report` in place of its
    /// sources.
    #[must_use]
    pub(crate) fn reworded(mut self, message: String, report: String) -> Self {
        self.inner.message = message.into();
        self.inner.source = Some(report.into());
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Who caused it.
    pub fn origin(&self) -> Origin {
        self.inner.kind.origin()
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match &self.inner.refusal {
            Some(refusal) => refusal.status,
            None => self.inner.kind.status(),
        }
    }

    /// The `code` of the error body: that of its kind, or the one that a layer gave.
    pub fn code(&self) -> &str {
        match &self.inner.refusal {
            Some(refusal) => &refusal.code,
            None => self.inner.kind.code(),
        }
    }

    /// The `type` of the error body, in the field's terms.
    pub fn wire_type(&self) -> &'static str {
        match &self.inner.refusal {
            Some(refusal) => refusal.wire_type(),
            None => self.inner.kind.wire_type(),
        }
    }

    /// The field or parameter at fault, if one is.
    pub fn param(&self) -> Option<&str> {
        self.inner.param.as_deref()
    }

    /// How long to wait before trying again, if known.
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// The name of the provider that was asked, if one was.
    pub fn provider(&self) -> Option<&str> {
        self.inner.provider.as_deref()
    }

    /// Why a provider could not be reached, or did not finish its answer, if known: this error's
    /// own cause, or that of its source.
    pub fn cause(&self) -> Option<Cause> {
        self.inner.cause.or_else(|| self.behind()?.cause())
    }

    /// The provider's status, if it answered: this error's own, or that of its source.
    pub fn upstream_status(&self) -> Option<StatusCode> {
        let own = self.inner.upstream_status;
        own.or_else(|| self.behind()?.upstream_status())
    }

    fn behind(&self) -> Option<&Self> {
        self.inner.source.as_deref()?.downcast_ref()
    }

    /// The provider's error, if that is why the call failed.
    pub fn upstream(&self) -> Option<&UpstreamError> {
        self.inner.upstream.as_ref()
    }

    /// Whether a timeout expired.
    pub fn is_timeout(&self) -> bool {
        matches!(
            self.inner.kind,
            ErrorKind::UpstreamTimeout | ErrorKind::DeadlineExceeded
        )
    }

    /// Whether another candidate might succeed.
    pub fn is_retryable(&self) -> bool {
        self.inner.kind.is_retryable()
    }

    /// The text for the ledger: code, message and cause. No key and no address.
    pub(crate) fn for_ledger(&self) -> String {
        let code = self.code();
        match self.cause() {
            Some(cause) => format!("{code}: {self} (cause: {cause})"),
            None => format!("{code}: {self}"),
        }
    }

    /// The same error for an operator: its message includes the cause.
    pub(crate) fn for_operator(mut self) -> Self {
        if let Some(cause) = self.cause() {
            self.inner.message = format!("{} (cause: {cause})", self.inner.message).into();
        }
        self
    }

    /// The message with the source chain: for logs, never for clients.
    pub fn report(&self) -> String {
        let mut text = self.inner.message.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("message", &self.inner.message)
            .field("param", &self.inner.param)
            .field("upstream", &self.inner.upstream)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}
