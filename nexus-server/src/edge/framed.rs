use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use futures_util::future::{BoxFuture, Either};
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use hyper::{Request, Response, Version};
use nexus_lib::http::Body;
use nexus_lib::wire::ErrorBody;
use nexus_lib::{Error, ErrorKind};
use tower::Service;

use super::Finding;

/// Answers 400 to requests with an ambiguous host or end, and closes the connection after each
/// request whose end is not known from its head: what follows such a message is never read as a
/// request.
#[derive(Debug, Clone)]
pub(crate) struct Framed<S> {
    inner: S,
    /// Of this service's connection.
    finding: Finding,
}

impl<S> Framed<S> {
    pub(crate) fn new(inner: S, finding: Finding) -> Self {
        Self { inner, finding }
    }
}

impl<S, B> Service<Request<B>> for Framed<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<
        S::Future,
        Either<
            Ready<Result<Response<Body>, Infallible>>,
            BoxFuture<'static, Result<Response<Body>, Infallible>>,
        >,
    >;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if !has_one_host(&request) {
            return Either::Right(Either::Left(ready(Ok(refusal(
                "an HTTP/1.1 request must have exactly one valid `Host` header",
            )))));
        }
        if self.finding.is_plain() {
            return Either::Left(self.inner.call(request));
        }
        if self.finding.is_ambiguous() {
            return Either::Right(Either::Left(ready(Ok(refusal(
                "the request's end is ambiguous; send either one `content-length` or \
                 `transfer-encoding: chunked`, and end each line with CR LF",
            )))));
        }
        if !is_plainly_chunked(request.headers()) {
            return Either::Right(Either::Left(ready(Ok(refusal(
                "this transfer coding is not supported; send `transfer-encoding: chunked` or a \
                 `content-length`",
            )))));
        }
        let answer = self.inner.call(request);
        Either::Right(Either::Right(Box::pin(async move {
            let Ok(mut response) = answer.await;
            close_behind(&mut response);
            Ok(response)
        })))
    }
}

/// Whether the request names exactly one host, as RFC 9112 requires (section 3.2). With two, a
/// proxy in front may have used the other one.
fn has_one_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => !host.as_bytes().iter().any(|byte| {
            // Characters that no host or port contains: it could be read as two, or as another one.
            byte.is_ascii_whitespace() || b"/\\?#@,<>\"`{}|^".contains(byte)
        }),
        (None, _) => request.version() < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

/// Whether `chunked` is the only coding, and present once. Hyper ensures that it is the last.
fn is_plainly_chunked(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let first = codings.next();
    first.is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
        && codings.next().is_none()
}

fn refusal(message: &'static str) -> Response<Body> {
    let error = Error::new(ErrorKind::InvalidRequest, message);
    let mut response = Response::new(Body::full(ErrorBody::from(&error).to_json()));
    *response.status_mut() = error.status();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    close_behind(&mut response);
    response
}

fn close_behind(response: &mut Response<Body>) {
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
}
