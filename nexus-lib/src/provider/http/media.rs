use http::HeaderValue;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(super) const SSE: HeaderValue = HeaderValue::from_static("text/event-stream");
pub(super) const ANY: HeaderValue = HeaderValue::from_static("*/*");
pub(super) const IDENTITY: HeaderValue = HeaderValue::from_static("identity");
