//! The contract of [`Provider`] as checks that every implementation must pass.
//!
//! Attempts are made like the gateway's, from a registered provider and a client's request, and
//! check everything that the trait promises.

mod answered;
mod answers;
mod case;
mod failing;
mod heard;
mod leaving;
mod question;
mod registered;
mod together;

pub use answers::UpstreamAnswers;

use std::sync::Arc;
use std::time::Duration;

use crate::call::Operation;
use crate::provider::Provider;
use crate::testing::DEADLINE;
use case::Case;

/// Checks that an implementation fulfils the contract of [`Provider`]: for tests of custom
/// providers.
///
/// An implementation without a network needs nothing else:
///
/// ```
/// # use nexus_lib::provider::DemoProvider as MyProvider;
/// use nexus_lib::testing::ProviderContract;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// ProviderContract::of(MyProvider).check().await;
/// # });
/// ```
///
/// An HTTP implementation gets an [upstream](Self::upstream) that answers in its protocol, and is
/// then also checked for failures and for clients that disconnect:
///
/// ```no_run
/// # use nexus_lib::provider::DemoProvider as MyHttpProvider;
/// use nexus_lib::testing::{ProviderContract, UpstreamAnswers};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let answers = UpstreamAnswers::new("Hi there", r#"{"said":"Hi there","tokens":[7,2]}"#)
///     .streamed(["data: Hi\n\n", "data:  there\n\n", "data: {\"tokens\":[7,2]}\n\n"])
///     .refusing(429, r#"{"error":"slow down"}"#);
/// ProviderContract::of(MyHttpProvider).upstream(answers).check().await;
/// # });
/// ```
pub struct ProviderContract {
    provider: Arc<dyn Provider>,
    server_url: String,
    server_key: String,
    model: String,
    below: String,
    patience: Duration,
    answers: Vec<(Operation, UpstreamAnswers)>,
}

opaque_debug!(ProviderContract);

/// The operations that every provider receives, in one form or another.
const CHATS: [Operation; 3] = [
    Operation::ChatCompletion,
    Operation::Message,
    Operation::Response,
];

impl ProviderContract {
    /// The contract of `provider`, without an upstream.
    pub fn of(provider: impl Provider) -> Self {
        Self {
            provider: Arc::new(provider),
            server_url: "http://contract.invalid".to_owned(),
            server_key: "sk-of-the-contract-0123456789".to_owned(),
            model: "contract-model".to_owned(),
            below: "/v1".to_owned(),
            patience: DEADLINE,
            answers: Vec::new(),
        }
    }

    /// The URL that it is registered with, if no upstream is scripted: that of a server that the
    /// test runs itself.
    #[must_use]
    pub fn server_url(mut self, url: impl Into<String>) -> Self {
        self.server_url = url.into();
        self
    }

    /// The key that it is registered with.
    #[must_use]
    pub fn server_key(mut self, key: impl Into<String>) -> Self {
        self.server_key = key.into();
        self
    }

    /// The model that is requested.
    #[must_use]
    pub fn model(mut self, name: impl Into<String>) -> Self {
        self.model = name.into();
        self
    }

    /// The path of the scripted upstream's URL; default: `/v1`.
    #[must_use]
    pub fn below(mut self, path: impl Into<String>) -> Self {
        self.below = path.into();
        self
    }

    /// How long an answer, or the next event, may take; default: [`DEADLINE`].
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The answers of this provider's upstream to chats in every protocol. Each check starts a
    /// [`FakeUpstream`](super::FakeUpstream) of its own that sends them: whole, in pieces, or cut
    /// off.
    #[must_use]
    pub fn upstream(mut self, answers: UpstreamAnswers) -> Self {
        self.answers = CHATS.map(|chat| (chat, answers.clone())).to_vec();
        self
    }

    /// The same for one protocol of chats, if the provider passes it through.
    #[must_use]
    pub fn upstream_for(mut self, operation: Operation, answers: UpstreamAnswers) -> Self {
        self.answers.retain(|(known, _)| *known != operation);
        self.answers.push((operation, answers));
        self
    }

    /// Runs all checks. Must be called on a tokio runtime.
    ///
    /// # Panics
    /// With a message that names the broken clause and what was observed.
    pub async fn check(self) {
        self.check_kind();
        for operation in CHATS {
            if !self.provider.speaks(operation) {
                continue;
            }
            let answers = self.answers.iter().find(|(known, _)| *known == operation);
            let case = Case {
                contract: &self,
                operation,
                answers: answers.map(|(_, answers)| answers),
            };
            answered::check(&case).await;
            failing::check(&case).await;
            leaving::check(&case).await;
            together::check(&case).await;
        }
    }

    fn check_kind(&self) {
        let kind = self.provider.kind();
        assert!(
            !kind.is_empty() && kind == kind.trim().to_lowercase(),
            "the kind of a provider is a lower-case name, not {kind:?}"
        );
        assert_eq!(
            kind,
            self.provider.kind(),
            "the kind of a provider is always the same"
        );
        assert!(
            self.provider.speaks(Operation::ChatCompletion),
            "{kind}: every provider must speak chat completions, to which all else is translated"
        );
    }
}

#[cfg(test)]
mod tests;
