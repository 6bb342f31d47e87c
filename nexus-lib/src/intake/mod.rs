//! The one place where calls are made: for HTTP, for WebSockets, for the operator's chats and for
//! those in process.
//!
//! ```text
//! Arrival ─▶ Authenticator ─▶ Principal, a place among the open requests ─▶ body, scanned ─▶ conversation ─▶ Call
//! ```
//!
//! Every edge brings what its protocol says as an `Arrival`, and all that follows is the same: who
//! may ask, how many may ask at once, until when they wait, which of their headers go on, and which
//! conversation a request belongs to. An application with users of its own says who they are as an
//! [`Authenticator`].

mod arrival;
mod authenticator;
mod credentials;
mod open_requests;
mod refusals;

use std::sync::Arc;
use std::time::Duration;

use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt};

use crate::body_memory::BodyMemory;
use crate::call::{Call, Metered, Principal, RequestBody};
use crate::conversation::Conversations;
use crate::error::{Error, ErrorKind, Result};
use crate::isolate;
use crate::observe::Observers;
use crate::registry::Registry;
use crate::wire::Hop;

pub(crate) use arrival::{Arrival, Passport, conversation, read};
pub use authenticator::{Authenticator, ByKey, Credentials};
pub(crate) use open_requests::{OpenRequest, OpenRequests};
pub use refusals::ClientAddr;
pub(crate) use refusals::Refusals;

/// How long an application's authenticator may take.
const LONGEST_AUTHENTICATION: Duration = Duration::from_secs(10);

/// Makes calls and sends them into the stack. A clone is the same place.
#[derive(Clone)]
pub(crate) struct Intake<S> {
    shared: Arc<Shared>,
    stack: S,
}

/// What an intake is made of.
pub(crate) struct IntakeParts {
    /// The application's; clients show keys of the registry where there is none.
    pub(crate) authenticator: Option<Arc<dyn Authenticator>>,
    pub(crate) registry: Registry,
    pub(crate) conversations: Conversations,
    pub(crate) open_requests: OpenRequests,
    pub(crate) observers: Observers,
    pub(crate) memory: BodyMemory,
    /// Recognises what the gateway itself has sent.
    pub(crate) hop: Hop,
}

struct Shared {
    authenticator: Option<Arc<dyn Authenticator>>,
    registry: Registry,
    conversations: Conversations,
    open_requests: OpenRequests,
    refusals: Refusals,
    memory: BodyMemory,
    hop: Hop,
}

/// A stack of any type.
pub(crate) type AnyStack = BoxCloneSyncService<Call, Metered, Error>;

impl<S> Intake<S> {
    pub(crate) fn new(parts: IntakeParts, stack: S) -> Self {
        let shared = Shared {
            authenticator: parts.authenticator,
            registry: parts.registry,
            conversations: parts.conversations,
            open_requests: parts.open_requests,
            refusals: Refusals::new(parts.observers),
            memory: parts.memory,
            hop: parts.hop,
        };
        Self {
            shared: Arc::new(shared),
            stack,
        }
    }

    /// Counts a request among the open ones, before its body or an application's answer is waited
    /// for.
    ///
    /// # Errors
    /// [`ErrorKind::Overloaded`] when there are as many as may be.
    pub(crate) fn admit(&self) -> Result<OpenRequest> {
        self.shared.open_requests.admit()
    }

    /// The client of these credentials, where that is known at once; `None` where the application
    /// is to be [asked](Self::ask).
    pub(crate) fn recognise(&self, credentials: &Credentials<'_>) -> Option<Result<Principal>> {
        match self.shared.authenticator {
            None => Some(authenticator::by_key(credentials, &self.shared.registry)),
            Some(_) => None,
        }
    }

    /// The client of these credentials.
    ///
    /// # Errors
    /// Those of the authenticator.
    ///
    /// # Cancel safety
    /// As the authenticator's.
    pub(crate) async fn ask(&self, credentials: &Credentials<'_>) -> Result<Principal> {
        let Some(authenticator) = &self.shared.authenticator else {
            return authenticator::by_key(credentials, &self.shared.registry);
        };
        let registry = &self.shared.registry;
        let asked =
            isolate::wait(async { authenticator.authenticate(credentials, registry).await });
        match tokio::time::timeout(LONGEST_AUTHENTICATION, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(panicked)) => {
                let message =
                    "the gateway's code for users failed; its operator finds more in the log";
                Err(Error::new(ErrorKind::Internal, message).with_source(panicked))
            }
            Err(_) => {
                let message =
                    "the gateway could not find out in time who you are; try again in a moment";
                let error = Error::new(ErrorKind::Overloaded, message);
                Err(error.with_retry_after(Duration::from_secs(1)))
            }
        }
    }

    /// The same client, with what it may call by now.
    ///
    /// # Errors
    /// Those of [`Registry::renew`].
    pub(crate) fn renew(&self, principal: &Principal) -> Result<Principal> {
        self.shared.registry.renew(principal)
    }

    /// Makes the call of what arrived and its body: the only place that does.
    pub(crate) fn call(&self, arrival: Arrival, body: RequestBody) -> Call {
        arrival.into_call(&self.shared.conversations, body)
    }

    /// Recognises what the gateway itself has sent.
    pub(crate) fn hop(&self) -> &Hop {
        &self.shared.hop
    }

    /// What the bodies of requests may take together.
    pub(crate) fn memory(&self) -> &BodyMemory {
        &self.shared.memory
    }

    /// Reports what is refused.
    pub(crate) fn refusals(&self) -> &Refusals {
        &self.shared.refusals
    }

    /// Who may call what.
    pub(crate) fn registry(&self) -> &Registry {
        &self.shared.registry
    }
}

impl<S> Intake<S>
where
    S: Service<Call, Response = Metered, Error = Error> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    /// Sends a call into the stack, and awaits the head of its answer.
    ///
    /// # Errors
    /// Those of the stack.
    ///
    /// # Cancel safety
    /// Dropped, it ends the call.
    pub(crate) async fn send(&self, call: Call) -> Result<Metered> {
        let mut stack = self.stack.clone();
        stack.ready().await?.call(call).await
    }

    /// The same place, for edges that do not know the stack's type.
    pub(crate) fn boxed(&self) -> Intake<AnyStack> {
        Intake {
            shared: Arc::clone(&self.shared),
            stack: BoxCloneSyncService::new(self.stack.clone()),
        }
    }
}
