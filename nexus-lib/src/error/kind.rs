use http::StatusCode;

/// Who caused an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// The caller: another request may succeed.
    Client,
    /// A provider failed or misbehaved.
    Upstream,
    /// This gateway or its store failed.
    Internal,
}

/// The kind of an error. New kinds may be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request is malformed: 400.
    InvalidRequest,
    /// The key is missing or unknown: 401.
    InvalidApiKey,
    /// The key is known, but switched off: 401.
    KeyDisabled,
    /// The key is known, but was only valid until some time: 401.
    KeyExpired,
    /// The admin token is missing or wrong: 401.
    InvalidAdminToken,
    /// The request is not allowed from this origin: 403.
    Forbidden,
    /// No such route or object: 404.
    NotFound,
    /// The key is valid, but has no access to the model: 404.
    ModelNotFound,
    /// The route exists, but not with this method: 405.
    MethodNotAllowed,
    /// It was changed since the client read it: 412.
    PreconditionFailed,
    /// Something of that name exists already: 409.
    Conflict,
    /// The body exceeds the limit: 413.
    TooLarge,
    /// The body's type or coding is not supported: 415.
    UnsupportedMediaType,
    /// Too many wrong tokens from this client: 429.
    TooManyAttempts,
    /// A field is missing, has the wrong type or is out of range: 422.
    Unprocessable,
    /// The client itself cancelled the request. Only WebSocket clients can receive this.
    Cancelled,
    /// The request took too long to arrive: 408.
    RequestTimeout,
    /// No connection to the provider could be made, or it broke before an answer: 502.
    UpstreamUnreachable,
    /// The provider did not answer in time: 504.
    UpstreamTimeout,
    /// The client's own deadline expired: 504.
    DeadlineExceeded,
    /// Every provider of the model is at its concurrency limit: 429.
    ProviderBusy,
    /// The provider rejected the gateway's own credentials: 502.
    UpstreamAuth,
    /// The provider's answer is not a valid answer: 502.
    UpstreamInvalid,
    /// The provider redirected, which is not followed: 502.
    UpstreamRedirect,
    /// The provider answered with an error of its own. Only typed calls see it as an `Error`: over
    /// HTTP the provider's answer is passed through.
    UpstreamRefused,
    /// The provider's stream broke after its first byte.
    StreamInterrupted,
    /// The ledger cannot be written, so nothing may be served: 503.
    LedgerUnavailable,
    /// The store cannot be read or written: 503.
    StoreUnavailable,
    /// The store's file is damaged, too new, or something else.
    StoreInvalid,
    /// A setting given to the library is invalid.
    InvalidConfig,
    /// A layer of the application's refused the request, with a status and a code of its own:
    /// [`Error::refused`](crate::Error::refused). 403 unless it says otherwise.
    Refused,
    /// The gateway is at its limit of open requests: 503.
    Overloaded,
    /// The request has passed this gateway before: a provider's URL leads back to it. 508.
    LoopDetected,
    /// The gateway is closed: 503.
    Closed,
    /// A bug in this program: 500.
    Internal,
}

impl ErrorKind {
    /// Who caused errors of this kind.
    pub fn origin(self) -> Origin {
        use ErrorKind as K;
        match self {
            K::InvalidRequest
            | K::InvalidApiKey
            | K::KeyDisabled
            | K::KeyExpired
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

    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        use ErrorKind as K;
        match self {
            K::InvalidRequest => StatusCode::BAD_REQUEST,
            K::InvalidApiKey | K::KeyDisabled | K::KeyExpired | K::InvalidAdminToken => {
                StatusCode::UNAUTHORIZED
            }
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

    /// The `type` of the error body.
    pub fn wire_type(self) -> &'static str {
        match (self, self.origin()) {
            (
                Self::InvalidApiKey
                | Self::KeyDisabled
                | Self::KeyExpired
                | Self::InvalidAdminToken,
                _,
            ) => "authentication_error",
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
            K::KeyDisabled => "key_disabled",
            K::KeyExpired => "key_expired",
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
