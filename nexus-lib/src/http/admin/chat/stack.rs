use std::time::Instant;

use bytes::Bytes;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt};

use crate::call::{Call, Metered, Operation, Principal, RequestBody};
use crate::error::{Error, Result};
use crate::thread::Threads;
use crate::wire::{ConversationId, ProviderId, RequestId};

/// The stack that answers calls, and what else a call needs on its way there. A clone is the same.
#[derive(Clone)]
pub(crate) struct Chats {
    threads: Threads,
    stack: BoxCloneSyncService<Call, Metered, Error>,
}

/// A call that is not made yet.
pub(super) struct Draft {
    pub(super) id: RequestId,
    pub(super) principal: Principal,
    pub(super) body: Bytes,
    /// The one provider that may answer, where only one may.
    pub(super) only: Option<ProviderId>,
    /// The conversation that it goes on with, if it says so.
    pub(super) conversation: Option<ConversationId>,
    pub(super) deadline: Option<Instant>,
}

impl Chats {
    pub(crate) fn new<S>(threads: Threads, stack: S) -> Self
    where
        S: Service<Call, Response = Metered, Error = Error> + Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        Self {
            threads,
            stack: BoxCloneSyncService::new(stack),
        }
    }

    /// Makes the call and awaits the head of its answer.
    pub(super) async fn send(&self, draft: Draft) -> Result<Metered> {
        let body = RequestBody::scan(draft.body)?;
        let mut call = Call::new(draft.id, draft.principal, Operation::ChatCompletion, body);
        self.threads.place(&mut call, draft.conversation);
        call.only = draft.only;
        call.deadline = draft.deadline;
        self.stack.clone().oneshot(call).await
    }
}
