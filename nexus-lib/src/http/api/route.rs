use http::Method;

use crate::call::Operation;

/// What the LLM port serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Call(Operation),
    Models,
    Socket,
    Health,
}

/// A path without a route, or a route without that method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRoute {
    Path,
    /// With the methods that are there.
    Method(&'static str),
}

impl Route {
    pub(super) fn of(method: &Method, path: &str) -> Result<Self, NoRoute> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let (route, allowed) = match path.strip_prefix("/v1").unwrap_or(path) {
            "/models" => (Self::Models, "GET, HEAD"),
            "/ws/chat" if path == "/ws/chat" => (Self::Socket, "GET"),
            "/healthz" if path == "/healthz" => (Self::Health, "GET, HEAD"),
            tail => match Operation::at(tail) {
                Some(operation) => (Self::Call(operation), "POST"),
                None => return Err(NoRoute::Path),
            },
        };
        let known = match route {
            Self::Socket => method == Method::GET,
            Self::Call(_) => method == Method::POST,
            Self::Models | Self::Health => method == Method::GET || method == Method::HEAD,
        };
        if known {
            Ok(route)
        } else {
            Err(NoRoute::Method(allowed))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_answer_with_and_without_version() {
        for path in [
            "/v1/chat/completions",
            "/chat/completions",
            "/chat/completions/",
        ] {
            let chat = Route::Call(Operation::ChatCompletion);
            assert_eq!(Route::of(&Method::POST, path), Ok(chat));
        }
        for path in ["/v1/models", "/models"] {
            assert_eq!(Route::of(&Method::GET, path), Ok(Route::Models));
        }
        assert_eq!(Route::of(&Method::HEAD, "/healthz"), Ok(Route::Health));
        assert_eq!(Route::of(&Method::GET, "/ws/chat"), Ok(Route::Socket));
    }

    #[test]
    fn others_do_not() {
        for path in [
            "/",
            "/v1",
            "/v1/v1/models",
            "/v1/healthz",
            "/v1/ws/chat",
            "/v1/chat",
            "//models",
            "/V1/models",
        ] {
            assert_eq!(Route::of(&Method::GET, path), Err(NoRoute::Path), "{path}");
        }
        let post_only = Err(NoRoute::Method("POST"));
        assert_eq!(Route::of(&Method::GET, "/v1/chat/completions"), post_only);
        assert_eq!(
            Route::of(&Method::PUT, "/models"),
            Err(NoRoute::Method("GET, HEAD"))
        );
    }
}
