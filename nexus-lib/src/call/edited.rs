//! Texts of requests and answers, changed by a layer.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use serde_json::Value;

use crate::call::{Asked, Call, Piece, Reply, ReplyBody, ReplyStream, Routed};
use crate::error::Result;
use crate::sse;
use crate::translate::ClientProtocol;
use crate::translate::texts::{self, Slot};

impl Call {
    /// The call with each text that is said in it replaced by what `edit` makes of it, in whatever
    /// protocol: messages, instructions and results of tools. The arguments of tools' calls stay.
    ///
    /// # Errors
    /// As [`with_body`](Self::with_body).
    pub fn edit_texts(self, edit: impl FnMut(&str) -> String) -> Result<Self> {
        match edited(self.body.bytes(), edit) {
            Some(body) => self.with_body(body),
            None => Ok(self),
        }
    }
}

impl Routed {
    /// As [`Call::edit_texts`], behind the router.
    ///
    /// # Errors
    /// As [`rewritten`](Self::rewritten).
    pub fn edit_texts(&self, edit: impl FnMut(&str) -> String) -> Result<Self> {
        match edited(self.body().bytes(), edit) {
            Some(body) => self.rewritten(body),
            None => Ok(self.clone()),
        }
    }
}

impl Reply {
    /// The reply with its texts replaced by what `edit` makes of them, in whatever protocol: for a
    /// guardrail that redacts. The arguments of tools' calls stay, and so do answers that are no
    /// chats.
    ///
    /// A stream's text comes in pieces, and what is looked for may be cut anywhere: so the last
    /// `longest` characters of each text are held back until more comes, or the text ends. Give the
    /// length of the longest match. `edit` gets these again, together with what follows: what it
    /// has written it must leave as it is.
    ///
    /// ```
    /// # use nexus_lib::call::{Reply, Routed};
    /// # fn redacted(routed: &Routed, reply: Reply) -> Reply {
    /// reply.edit_texts(routed, "secret".len(), |text| text.replace("secret", "[redacted]"))
    /// # }
    /// ```
    #[must_use]
    pub fn edit_texts(
        mut self,
        asked: &impl Asked,
        longest: usize,
        mut edit: impl FnMut(&str) -> String + Send + 'static,
    ) -> Self {
        let Some(protocol) = ClientProtocol::of(asked.operation()) else {
            return self;
        };
        self.body = match self.body {
            ReplyBody::Full { bytes, observed } => ReplyBody::Full {
                bytes: edited(&bytes, &mut edit).unwrap_or(bytes),
                observed,
            },
            ReplyBody::Stream(events) => ReplyBody::Stream(Box::pin(Editing {
                events,
                editor: Editor {
                    protocol,
                    longest,
                    edit: Box::new(edit),
                    held: Vec::new(),
                    added: 0,
                },
                end: None,
            })),
        };
        self
    }
}

/// `None` where nothing changes, or nothing can be read.
fn edited(json: &Bytes, mut edit: impl FnMut(&str) -> String) -> Option<Bytes> {
    let mut value: Value = serde_json::from_slice(json).ok()?;
    let mut has_changed = false;
    texts::whole(&mut value, &mut |text| {
        let new = edit(text);
        has_changed |= new != *text;
        *text = new;
    });
    let written = has_changed.then(|| serde_json::to_vec(&value).ok())?;
    written.map(Bytes::from)
}

struct Editing {
    events: ReplyStream,
    editor: Editor,
    /// What comes after what was held back: an error, or nothing.
    end: Option<Option<Result<Piece>>>,
}

struct Editor {
    protocol: ClientProtocol,
    /// How many characters are held back.
    longest: usize,
    edit: Box<dyn FnMut(&str) -> String + Send>,
    held: Vec<Held>,
    /// How many events were added: later ones are numbered accordingly.
    added: u64,
}

/// The end of a text that may go on.
struct Held {
    slot: Slot,
    text: String,
    /// The last event that added to it, to be sent once more with what was held back.
    name: Option<Vec<u8>>,
    event: Value,
}

impl Editor {
    fn region(&mut self, region: &Bytes) -> Bytes {
        let mut out = Vec::with_capacity(region.len());
        let mut at = 0;
        for event in sse::events(region) {
            let range = event.range();
            // Comments pass.
            out.extend_from_slice(&region[at..range.start]);
            at = range.end;
            match serde_json::from_slice::<Value>(&event.data()) {
                Ok(value) if value.is_object() => self.event(event.name(), value, &mut out),
                // `[DONE]`, or what nobody can read.
                _ => {
                    self.release(|_| true, &mut out);
                    out.extend_from_slice(&region[range]);
                }
            }
        }
        out.extend_from_slice(&region[at..]);
        out.into()
    }

    fn event(&mut self, name: Option<&[u8]>, mut event: Value, out: &mut Vec<u8>) {
        let original = event.clone();
        let mut new = Vec::new();
        let pieces = texts::pieces(self.protocol, &mut event, &mut |slot, is_last, piece| {
            let at = self.held.iter().position(|held| held.slot == slot);
            let mut text = at.map(|at| self.held.remove(at).text).unwrap_or_default();
            text.push_str(piece);
            let mut text = (self.edit)(&text);
            let kept = match is_last {
                true => String::new(),
                false => text.split_off(last(&text, self.longest)),
            };
            *piece = text;
            new.push((slot, kept));
        });
        self.release(|held| pieces.end(held.slot), out);
        if pieces.slots.is_empty() {
            // It may repeat whole texts.
            texts::whole(&mut event, &mut |text| *text = (self.edit)(text));
        }
        for (slot, text) in new {
            self.held.push(Held {
                slot,
                text,
                name: name.map(<[u8]>::to_vec),
                event: original.clone(),
            });
        }
        write(name, event, self.added, out);
    }

    /// Sends what was held back of the texts that are over.
    fn release(&mut self, is_over: impl Fn(&Held) -> bool, out: &mut Vec<u8>) {
        let (over, held) = std::mem::take(&mut self.held)
            .into_iter()
            .partition::<Vec<_>, _>(is_over);
        self.held = held;
        for mut held in over {
            if held.text.is_empty() {
                continue;
            }
            texts::pieces(self.protocol, &mut held.event, &mut |slot, _, piece| {
                piece.clear();
                if slot == held.slot {
                    piece.push_str(&held.text);
                }
            });
            self.added += 1;
            write(held.name.as_deref(), held.event, self.added, out);
        }
    }
}

/// Where the last `count` characters of `text` begin.
fn last(text: &str, count: usize) -> usize {
    match count {
        0 => text.len(),
        _ => (text.char_indices().rev().nth(count - 1)).map_or(0, |(at, _)| at),
    }
}

fn write(name: Option<&[u8]>, mut event: Value, added: u64, out: &mut Vec<u8>) {
    if let Some(Value::Number(number)) = event.get_mut("sequence_number")
        && let Some(count) = number.as_u64()
    {
        *number = count.saturating_add(added).into();
    }
    if let Some(name) = name {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name);
        out.push(b'\n');
    }
    // It was JSON before: there is nothing that could fail.
    let json = serde_json::to_vec(&event).unwrap_or_default();
    out.extend_from_slice(&sse::encode_data(&json));
}

impl Stream for Editing {
    type Item = Result<Piece>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(end) = &mut self.end {
            return Poll::Ready(end.take());
        }
        let item = ready!(self.events.as_mut().poll_next(cx));
        Poll::Ready(match item {
            Some(Ok(mut piece)) => {
                piece.bytes = self.editor.region(&piece.bytes);
                Some(Ok(piece))
            }
            end => {
                let mut rest = Vec::new();
                self.editor.release(|_| true, &mut rest);
                self.end = Some(end);
                if rest.is_empty() {
                    self.end.as_mut().and_then(Option::take)
                } else {
                    Some(Ok(Piece {
                        bytes: rest.into(),
                        ..Piece::default()
                    }))
                }
            }
        })
    }
}

#[cfg(test)]
mod tests;
