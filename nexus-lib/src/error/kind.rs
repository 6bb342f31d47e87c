use http::StatusCode;

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The caller can mend it by asking differently.
    Client,
    /// A provider failed or misbehaved.
    Upstream,
    /// This gateway or its store failed.
    Internal,
}

/// What went wrong. New kinds may be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request cannot be understood: 400.
    InvalidRequest,
    /// No key was given, or none that is known: 401.
    InvalidApiKey,
    /// The admin token is missing or wrong: 401.
    InvalidAdminToken,
    /// The request may not be made from there: 403.
    Forbidden,
    /// No such route or thing: 404.
    NotFound,
    /// The key is known, but the model is not offered to it: 404.
    ModelNotFound,
    /// The route exists, the method does not: 405.
    MethodNotAllowed,
    /// It was changed since the client read it: 412.
    PreconditionFailed,
    /// Something of that name exists already: 409.
    Conflict,
    /// The body is over the limit: 413.
    TooLarge,
    /// The body is of a type, or in a coding, that is not taken: 415.
    UnsupportedMediaType,
    /// Too many wrong tokens came from there: 429.
    TooManyAttempts,
    /// A field is missing, ill-typed or out of range: 422.
    Unprocessable,
    /// The client itself cancelled what it had asked for. Only over WebSocket is there anybody to be told.
    Cancelled,
    /// The request took too long to arrive: 408.
    RequestTimeout,
    /// No connection to the provider could be made, or it broke before an answer: 502.
    UpstreamUnreachable,
    /// The provider did not answer in time: 504.
    UpstreamTimeout,
    /// The client's own deadline ran out: 504.
    DeadlineExceeded,
    /// Every provider of the model has as many requests open as it may: 429.
    ProviderBusy,
    /// The provider refused the gateway's own credentials: 502.
    UpstreamAuth,
    /// The provider answered with something that is no answer: 502.
    UpstreamInvalid,
    /// The provider said to ask elsewhere, which nobody follows: 502.
    UpstreamRedirect,
    /// The provider answered with an error of its own. Only typed calls see it as an `Error`: over
    /// HTTP the provider's answer is passed on.
    UpstreamRefused,
    /// The provider's stream broke after its first byte.
    StreamInterrupted,
    /// The ledger cannot write, so nothing may be served: 503.
    LedgerUnavailable,
    /// The store cannot be read or written: 503.
    StoreUnavailable,
    /// The store's file is damaged, too new, or not what it should be.
    StoreInvalid,
    /// A setting given to the library makes no sense.
    InvalidConfig,
    /// A layer of the application's refused the request, with a status and a code of its own:
    /// [`Error::refused`](crate::Error::refused). 403 unless it says otherwise.
    Refused,
    /// More requests are open than the gateway takes: 503.
    Overloaded,
    /// The request has been at this gateway before: a provider's URL leads back to it. 508.
    LoopDetected,
    /// The gateway has been closed: 503.
    Closed,
    /// A fault of this program: 500.
    Internal,
}

impl ErrorKind {
    /// Whose fault this kind is.
    pub fn origin(self) -> Origin {
        use ErrorKind as K;
        match self {
            K::InvalidRequest
            | K::InvalidApiKey
            | K::InvalidAdminToken
            | K::Forbidden
            | K::NotFound
            | K::ModelNotFound
            | K::MethodNotAllowed
            | K::Conflict
            | K::PreconditionFailed
            | K::TooLarge
            | K::UnsupportedMediaType
            | K::TooManyAttempts
            | K::RequestTimeout
            | K::Cancelled
            | K::Refused
            | K::Unprocessable => Origin::Client,
            K::UpstreamUnreachable
            | K::UpstreamTimeout
            | K::DeadlineExceeded
            | K::ProviderBusy
            | K::UpstreamAuth
            | K::UpstreamInvalid
            | K::UpstreamRedirect
            | K::UpstreamRefused
            | K::StreamInterrupted => Origin::Upstream,
            K::LedgerUnavailable
            | K::StoreUnavailable
            | K::StoreInvalid
            | K::InvalidConfig
            | K::Overloaded
            | K::LoopDetected
            | K::Closed
            | K::Internal => Origin::Internal,
        }
    }

    /// The HTTP status that fits.
    pub fn status(self) -> StatusCode {
        use ErrorKind as K;
        match self {
            K::InvalidRequest => StatusCode::BAD_REQUEST,
            K::InvalidApiKey | K::InvalidAdminToken => StatusCode::UNAUTHORIZED,
            K::Forbidden | K::Refused => StatusCode::FORBIDDEN,
            K::NotFound | K::ModelNotFound => StatusCode::NOT_FOUND,
            K::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            K::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            K::Conflict | K::Cancelled => StatusCode::CONFLICT,
            K::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            K::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            K::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            K::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
            K::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
            K::UpstreamUnreachable
            | K::UpstreamAuth
            | K::UpstreamInvalid
            | K::UpstreamRedirect
            | K::UpstreamRefused
            | K::StreamInterrupted => StatusCode::BAD_GATEWAY,
            K::UpstreamTimeout | K::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
            K::ProviderBusy => StatusCode::TOO_MANY_REQUESTS,
            K::LedgerUnavailable | K::StoreUnavailable | K::Overloaded | K::Closed => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            K::LoopDetected => StatusCode::LOOP_DETECTED,
            K::StoreInvalid | K::InvalidConfig | K::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The `type` of the error body, in the field's terms.
    pub fn wire_type(self) -> &'static str {
        match (self, self.origin()) {
            (Self::InvalidApiKey | Self::InvalidAdminToken, _) => "authentication_error",
            (Self::ProviderBusy | Self::TooManyAttempts, _) => "rate_limit_error",
            (_, Origin::Client) => "invalid_request_error",
            (_, Origin::Upstream) => "upstream_error",
            (_, Origin::Internal) => "server_error",
        }
    }

    /// The `code` of the error body: stable, for programs.
    pub fn code(self) -> &'static str {
        use ErrorKind as K;
        match self {
            K::InvalidRequest => "invalid_request",
            K::InvalidApiKey => "invalid_api_key",
            K::InvalidAdminToken => "invalid_admin_token",
            K::Forbidden => "forbidden",
            K::NotFound => "not_found",
            K::ModelNotFound => "model_not_found",
            K::MethodNotAllowed => "method_not_allowed",
            K::Conflict => "already_exists",
            K::PreconditionFailed => "precondition_failed",
            K::TooLarge => "request_too_large",
            K::UnsupportedMediaType => "unsupported_media_type",
            K::TooManyAttempts => "too_many_attempts",
            K::Unprocessable => "invalid_field",
            K::Cancelled => "cancelled",
            K::RequestTimeout => "request_timeout",
            K::UpstreamUnreachable => "upstream_unreachable",
            K::UpstreamTimeout => "upstream_timeout",
            K::DeadlineExceeded => "deadline_exceeded",
            K::ProviderBusy => "provider_busy",
            K::UpstreamAuth => "upstream_auth_failed",
            K::UpstreamInvalid => "upstream_invalid_response",
            K::UpstreamRedirect => "upstream_redirect",
            K::UpstreamRefused => "upstream_error",
            K::StreamInterrupted => "stream_interrupted",
            K::LedgerUnavailable => "ledger_unavailable",
            K::StoreUnavailable => "store_unavailable",
            K::StoreInvalid => "store_invalid",
            K::InvalidConfig => "invalid_config",
            K::Refused => "refused",
            K::Overloaded => "overloaded",
            K::LoopDetected => "loop_detected",
            K::Closed => "shutting_down",
            K::Internal => "internal_error",
        }
    }

    pub(crate) fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::UpstreamUnreachable
                | Self::UpstreamTimeout
                | Self::UpstreamAuth
                | Self::UpstreamInvalid
                | Self::UpstreamRedirect
        )
    }
}
