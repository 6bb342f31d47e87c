use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer, ExposeHeaders};

/// The headers that a page may read.
const EXPOSED: [HeaderName; 3] = [
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-conversation-id"),
    HeaderName::from_static("x-nexus-provider"),
];

/// Allows pages of `origins` to call the LLM port. `None` without origins: then no page may.
///
/// Keys are sent in headers that the page itself sets, never in cookies, so credentials are not
/// allowed.
pub(crate) fn layer(origins: &[HeaderValue]) -> Option<CorsLayer> {
    let allowed = match origins {
        [] => return None,
        origins if origins.iter().any(|origin| origin == "*") => AllowOrigin::any(),
        origins => AllowOrigin::list(origins.iter().cloned()),
    };
    Some(
        CorsLayer::new()
            .allow_origin(allowed)
            .allow_methods(AllowMethods::list([
                hyper::Method::GET,
                hyper::Method::POST,
            ]))
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers(ExposeHeaders::list(EXPOSED))
            .max_age(Duration::from_secs(600)),
    )
}
