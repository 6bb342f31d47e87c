use std::borrow::Cow;
use std::sync::Arc;

use http::StatusCode;

use super::{Error, ErrorKind};

/// With which status and code a layer refuses.
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: Cow<'static, str>,
}

impl Refusal {
    pub(super) fn wire_type(&self) -> &'static str {
        match self.status {
            StatusCode::UNAUTHORIZED => "authentication_error",
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request_error",
        }
    }
}

impl Error {
    /// A refusal of the application's own: what a guardrail or a limiter says to the client, in the
    /// client's protocol. `status` is that of an error (403 takes the place of any other), `code`
    /// is for programs, `message` for people.
    ///
    /// ```
    /// use http::StatusCode;
    /// use nexus_lib::Error;
    ///
    /// let refusal = Error::refused(StatusCode::FORBIDDEN, "content_filter", "no card numbers, please");
    /// assert_eq!((refusal.status().as_u16(), refusal.code()), (403, "content_filter"));
    /// ```
    pub fn refused(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        let is_error = status.is_client_error() || status.is_server_error();
        let mut error = Self::new(ErrorKind::Refused, message);
        error.inner.refusal = Some(Refusal {
            status: match is_error {
                true => status,
                false => ErrorKind::Refused.status(),
            },
            code: code.into(),
        });
        error
    }

    /// Names the layer that refused, for the ledger.
    #[must_use]
    pub fn answered_by(mut self, name: impl Into<Arc<str>>) -> Self {
        self.inner.answered_by = Some(name.into());
        self
    }

    /// The layer that refused, if it gave its name.
    pub fn refused_by(&self) -> Option<&Arc<str>> {
        self.inner.answered_by.as_ref()
    }
}
