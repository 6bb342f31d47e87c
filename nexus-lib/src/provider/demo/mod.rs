//! A model without a network: it echoes its input, word by word.
//!
//! It makes a newcomer's first chat work offline, and shows what a custom [`Provider`] needs.

mod reply;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::call::{Attempt, Observed, Piece, Reply, ReplyBody};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::Provider;
use crate::sse;
use crate::wire::{ChatRequest, UsageReport};
use reply::EchoReply;

/// The built-in model of the kind `demo`.
#[derive(Debug, Clone, Copy, Default)]
pub struct DemoProvider;

#[async_trait]
impl Provider for DemoProvider {
    fn kind(&self) -> &'static str {
        "demo"
    }

    async fn send(&self, attempt: Attempt) -> Result<Reply> {
        let call = attempt.call();
        let request: ChatRequest =
            serde_json::from_slice(attempt.body().bytes()).map_err(|cause| {
                Error::new(
                    ErrorKind::InvalidRequest,
                    "malformed messages: each needs a role and content",
                )
                .with_param("messages")
                .with_source(cause)
            })?;
        let reply = EchoReply::to(&request, attempt.target().model_sent(), call.started_at);
        let body = if attempt.body().is_stream() {
            ReplyBody::Stream(Box::pin(stream::iter(events(
                &reply,
                attempt.body().fields().include_usage,
            ))))
        } else {
            let observed = seen(&reply.usage);
            ReplyBody::Full {
                bytes: json(&reply.completion())?,
                observed,
            }
        };
        let content_type = match body {
            ReplyBody::Stream(_) => "text/event-stream",
            ReplyBody::Full { .. } => "application/json",
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Ok(Reply::new(StatusCode::OK, headers, body))
    }
}

fn events(reply: &EchoReply, show_usage: bool) -> Vec<Result<Piece>> {
    let mut pieces: Vec<Result<Piece>> = reply
        .chunks()
        .map(|chunk| {
            let observed = Observed {
                finished: chunk
                    .choices
                    .iter()
                    .any(|choice| choice.finish_reason.is_some()),
                ..Observed::default()
            };
            Ok(Piece {
                bytes: sse::encode_data(&json(&chunk)?),
                observed,
            })
        })
        .collect();
    let bytes = match show_usage {
        true => json(&reply.usage_chunk()).map(|chunk| sse::encode_data(&chunk)),
        false => Ok(Bytes::new()),
    };
    pieces.push(bytes.map(|bytes| Piece {
        bytes,
        observed: seen(&reply.usage),
    }));
    let done = Observed {
        terminal: true,
        ..Observed::default()
    };
    pieces.push(Ok(Piece {
        bytes: sse::encode_data(b"[DONE]"),
        observed: done,
    }));
    pieces
}

fn seen(usage: &UsageReport) -> Observed {
    Observed {
        usage: Some(usage.usage()),
        finished: true,
        ..Observed::default()
    }
}

fn json(value: &impl serde::Serialize) -> Result<Bytes> {
    serde_json::to_vec(value).map(Bytes::from).map_err(|cause| {
        Error::new(
            ErrorKind::Internal,
            "the demo model could not write its answer",
        )
        .with_source(cause)
    })
}
