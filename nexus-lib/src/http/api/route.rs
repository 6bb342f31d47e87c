use http::Method;

use crate::call::Operation;

/// The routes of the LLM port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Call(Operation),
    Models,
    /// One model; the end of the path names it.
    Model,
    Socket,
    Health,
    OpenApi,
}

/// A path without a route, or a route without that method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRoute {
    Path,
    /// The allowed methods.
    Method(&'static str),
}

/// Served with and without the version prefix.
const MODELS: &str = "/models";
const MODEL: &str = "/models/{id}";
const VERSION: &str = "/v1";
/// Served without a version.
const UNVERSIONED: &[(&str, Route)] = &[
    #[cfg(feature = "ws")]
    ("/ws/chat", Route::Socket),
    ("/healthz", Route::Health),
    ("/openapi.json", Route::OpenApi),
];

/// The name of the model in `path`, as written.
pub(super) fn model_name(path: &str) -> Option<&str> {
    let tail = path.strip_prefix(VERSION).unwrap_or(path);
    let name = tail.strip_prefix(MODELS)?.strip_prefix('/')?;
    (!name.is_empty()).then_some(name)
}

impl Route {
    pub(super) fn of(method: &Method, path: &str) -> Result<Self, NoRoute> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let route = match path.strip_prefix(VERSION).unwrap_or(path) {
            MODELS => Some(Self::Models),
            tail if model_name(tail).is_some() => Some(Self::Model),
            tail => Operation::at(tail).map(Self::Call),
        };
        let route = route.or_else(|| {
            let mut known = UNVERSIONED.iter();
            known.find(|(known, _)| *known == path).map(|(_, it)| *it)
        });
        let route = route.ok_or(NoRoute::Path)?;
        if route.methods().contains(&method) {
            Ok(route)
        } else {
            Err(NoRoute::Method(route.allow()))
        }
    }

    /// Every path with its route, and its alias if it has one.
    pub(super) fn all() -> impl Iterator<Item = (String, Self, Option<&'static str>)> {
        let calls = Operation::ALL.map(|operation| (operation.path(), Self::Call(operation)));
        let models = [(MODELS, Self::Models), (MODEL, Self::Model)];
        let versioned = calls.into_iter().chain(models);
        let versioned =
            versioned.map(|(path, route)| (format!("{VERSION}{path}"), route, Some(path)));
        let others = UNVERSIONED.iter();
        let others = others.map(|(path, route)| ((*path).to_owned(), *route, None));
        versioned.chain(others)
    }

    const fn methods(self) -> &'static [&'static Method] {
        match self {
            Self::Call(_) => &[&Method::POST],
            Self::Socket => &[&Method::GET],
            Self::Models | Self::Model | Self::Health | Self::OpenApi => {
                &[&Method::GET, &Method::HEAD]
            }
        }
    }

    /// The methods for the `Allow` header.
    const fn allow(self) -> &'static str {
        match self {
            Self::Call(_) => "POST",
            Self::Socket => "GET",
            Self::Models | Self::Model | Self::Health | Self::OpenApi => "GET, HEAD",
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
        for path in ["/v1/models/gpt-4", "/models/a/b", "/v1/models/a%2Fb"] {
            assert_eq!(Route::of(&Method::GET, path), Ok(Route::Model));
        }
        assert_eq!(Route::of(&Method::HEAD, "/healthz"), Ok(Route::Health));
        assert_eq!(Route::of(&Method::GET, "/ws/chat"), Ok(Route::Socket));
    }

    #[test]
    fn every_path_names_its_route_by_either_name() {
        for (path, route, alias) in Route::all() {
            for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT] {
                let found = Route::of(&method, &path);
                let known = route.allow().split(", ").any(|known| known == method);
                assert_eq!(found.ok(), known.then_some(route), "{method} {path}");
                assert!(alias.is_none_or(|alias| Route::of(&method, alias) == found));
            }
        }
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
