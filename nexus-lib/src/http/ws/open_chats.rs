use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::chat::{Chat, Said};
use super::label::Label;
use super::session::{Attached, Session};

/// The chats on one socket. They take turns, so that a busy one does not delay the others.
#[derive(Default)]
pub(super) struct OpenChats {
    chats: Vec<OpenChat>,
    /// The chat that is polled first.
    turn: usize,
}

struct OpenChat {
    label: Label,
    said: Pin<Box<dyn Stream<Item = Said> + Send>>,
    /// Set if it outlives the socket.
    session: Option<Arc<Session>>,
}

impl OpenChats {
    pub(super) fn len(&self) -> usize {
        self.chats.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chats.is_empty()
    }

    pub(super) fn has(&self, label: &Label) -> bool {
        self.chats.iter().any(|chat| chat.label == *label)
    }

    pub(super) fn push(&mut self, label: Label, chat: Chat) {
        self.chats.push(OpenChat {
            label,
            said: chat,
            session: None,
        });
    }

    pub(super) fn push_attached(&mut self, label: Label, attached: Attached) {
        let session = Some(Arc::clone(attached.session()));
        self.chats.push(OpenChat {
            label,
            said: Box::pin(attached),
            session,
        });
    }

    /// Ends a chat at once, upstream too; returns whether it was open.
    pub(super) fn cancel(&mut self, id: &str) -> bool {
        let place = self
            .chats
            .iter()
            .position(|chat| chat.label.name() == Some(id));
        let Some(place) = place else { return false };
        let chat = self.chats.swap_remove(place);
        if let Some(session) = chat.session {
            session.cancel();
        }
        true
    }

    /// The next frame of any chat. Pending while there are none.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Said> {
        let mut left = self.chats.len();
        while left > 0 {
            left -= 1;
            let place = self.turn % self.chats.len();
            match self.chats[place].said.as_mut().poll_next(cx) {
                Poll::Ready(Some(said)) => {
                    if said.is_last {
                        self.chats.swap_remove(place);
                    }
                    self.turn = place + 1;
                    return Poll::Ready(said);
                }
                // Another socket has taken it over.
                Poll::Ready(None) => {
                    self.chats.swap_remove(place);
                    self.turn = place;
                }
                Poll::Pending => self.turn = place + 1,
            }
        }
        Poll::Pending
    }
}
