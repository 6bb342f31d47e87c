use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::{Notes, StreamTranslator, Translation, resolved};
use crate::call::{Attempt, Piece, Reply, ReplyBody, ReplyStream, RequestBody};
use crate::error::{Error, ErrorKind, Result};
use crate::memory::Recent;
use crate::provider::Provider;
use crate::provider::tap::Tap;
use crate::translate::fit::{Destination, Vendor};
use crate::translate::{ClientProtocol, ProviderProtocol};

/// Sends `attempt`, a chat in any protocol, to a provider that only supports chat completions.
///
/// # Errors
/// Those of the provider, and `InvalidRequest` naming the parameter that cannot be translated to
/// chat completions.
///
/// # Cancel safety
/// As for the provider.
pub(crate) async fn through_chat(
    provider: &dyn Provider,
    client: ClientProtocol,
    attempt: Attempt,
    is_strict: bool,
    recent: &Recent,
) -> Result<Reply> {
    let attempt = resolved(attempt, recent, false).await?;
    let notes = Notes::of(recent, &attempt, client);
    let target = attempt.target();
    let model = target.model.clone();
    let to = Destination {
        protocol: ProviderProtocol::Chat,
        vendor: Vendor::Other,
        model: &model,
    };
    let (translation, body) =
        Translation::of(client, to, attempt.body(), is_strict, true, notes).await?;
    let attempt = attempt.sent_as(RequestBody::scan(body)?);
    let mut reply = provider.send(attempt).await?;
    reply.body = match reply.body {
        ReplyBody::Full { bytes, .. } if reply.status.is_success() => {
            let translated = translation.answer(bytes).await?;
            reply.status = translated.status;
            translated.into_body()
        }
        ReplyBody::Full { bytes, .. } => {
            let (status, bytes, observed) = translation.error(reply.status, &bytes);
            reply.status = status;
            ReplyBody::Full { bytes, observed }
        }
        ReplyBody::Stream(events) => ReplyBody::Stream(Box::pin(TranslatedStream {
            events,
            translator: translation.stream(),
            is_over: false,
        })),
    };
    let is_stream = matches!(reply.body, ReplyBody::Stream(_));
    translation.head(&mut reply.headers, is_stream);
    Ok(reply)
}

/// A stream of chat completion chunks, translated to another protocol.
struct TranslatedStream {
    events: ReplyStream,
    translator: StreamTranslator,
    is_over: bool,
}

impl Stream for TranslatedStream {
    type Item = Result<Piece>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let translated = match ready!(self.events.as_mut().poll_next(cx)) {
            Some(Ok(piece)) => self.translator.push(piece.bytes).map(|translated| Piece {
                // The provider's own usage counts, even if it is hidden from clients.
                observed: {
                    let mut observed = piece.observed;
                    observed.terminal = false;
                    observed.merge(translated.observed);
                    observed
                },
                ..translated
            }),
            Some(Err(error)) => Err(error),
            None => {
                self.is_over = true;
                self.translator.finish()
            }
        };
        self.is_over |= translated.is_err();
        Poll::Ready(Some(translated.map_err(within)))
    }
}

/// The client already has a part of the answer: whatever the error, the stream is cut off.
fn within(error: Error) -> Error {
    match error.kind() {
        ErrorKind::StreamInterrupted => error,
        _ => Error::new(ErrorKind::StreamInterrupted, error.to_string()).with_source(error),
    }
}
