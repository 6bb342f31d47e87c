//! The upstream: answers like OpenAI, without a model.
//!
//! The request determines the answer: `stream`, `stream_options.include_usage`, `max_tokens` for
//! the number of content events, and `user` for [their pace](crate::pace).

mod body;

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use memchr::memmem::find;
use nexus_benches::COMPLETION;
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use self::body::Events;
use crate::pace::Slots;

type Answer = Response<Either<Full<Bytes>, Events>>;

/// Serves on `runtime` for as long as it lives; returns its address.
pub(crate) fn serve(runtime: &Handle, slots: Arc<Slots>) -> io::Result<SocketAddr> {
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    let address = listener.local_addr()?;
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if stream.set_nodelay(true).is_err() {
                continue;
            }
            let slots = Arc::clone(&slots);
            tokio::spawn(http1::Builder::new().serve_connection(
                TokioIo::new(stream),
                service_fn(move |request| answer(request, Arc::clone(&slots))),
            ));
        }
    });
    Ok(address)
}

async fn answer(request: Request<Incoming>, slots: Arc<Slots>) -> Result<Answer, Infallible> {
    let body = match request.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        // The client has disconnected; nobody sees the answer.
        Err(_) => Bytes::new(),
    };
    let (content_type, body) = if find(&body, br#""stream":true"#).is_some() {
        let usage = find(&body, br#""include_usage":true"#).is_some();
        let count = after(&body, br#""max_tokens":"#).unwrap_or(0);
        let slot = after(&body, br#""user":"slot-"#);
        let events = Events::new(count, usage, slot.and_then(|index| slots.get(index)));
        ("text/event-stream; charset=utf-8", Either::Right(events))
    } else {
        let completion = Bytes::from_static(COMPLETION.as_bytes());
        ("application/json", Either::Left(Full::new(completion)))
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert("openai-processing-ms", HeaderValue::from_static("3"));
    headers.insert("openai-version", HeaderValue::from_static("2020-10-01"));
    headers.insert(
        "x-ratelimit-limit-requests",
        HeaderValue::from_static("10000"),
    );
    headers.insert(
        "x-ratelimit-remaining-requests",
        HeaderValue::from_static("9999"),
    );
    Ok(response)
}

/// The number after `key`.
fn after(body: &[u8], key: &[u8]) -> Option<u32> {
    let rest = &body[find(body, key)? + key.len()..];
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
}
