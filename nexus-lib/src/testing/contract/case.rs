use std::fmt::Debug;
use std::future::Future;

use super::question::question;
use super::registered::Registered;
use super::{ProviderContract, UpstreamAnswers};
use crate::call::{Attempt, Operation, Reply, ReplyStream};
use crate::error::Result;
use crate::testing::FakeUpstream;
use crate::translate::{ClientProtocol, ProviderProtocol};

/// The contract of one provider for one protocol of chats.
pub(super) struct Case<'a> {
    pub(super) contract: &'a ProviderContract,
    pub(super) operation: Operation,
    pub(super) answers: Option<&'a UpstreamAnswers>,
}

impl Case<'_> {
    /// The provider, registered with the URL of `upstream`, or the one from its test.
    pub(super) async fn registered(&self, upstream: Option<&FakeUpstream>) -> Registered {
        let url = upstream.map(|upstream| self.url(upstream.addr()));
        let url = url.unwrap_or_else(|| self.contract.server_url.clone());
        self.registered_at(&url).await
    }

    pub(super) async fn registered_at(&self, url: &str) -> Registered {
        let ProviderContract {
            provider,
            server_key,
            model,
            ..
        } = self.contract;
        Registered::new(provider.kind(), url, server_key, model).await
    }

    pub(super) fn url(&self, addr: std::net::SocketAddr) -> String {
        format!("http://{addr}{}", self.contract.below)
    }

    /// A client's request as the provider receives it.
    pub(super) fn asks(&self, registered: &Registered, is_stream: bool) -> Attempt {
        let body = question(self.operation, &self.contract.model, is_stream);
        registered.attempt(self.operation, &body)
    }

    pub(super) async fn send(&self, attempt: Attempt) -> Result<Reply> {
        let sent = self.contract.provider.send(attempt);
        self.in_time("an attempt is answered", sent).await
    }

    /// The reply, which must be a success.
    pub(super) async fn reply(&self, clause: &str, attempt: Attempt) -> Reply {
        let sent = self.contract.provider.send(attempt);
        match self.in_time(clause, sent).await {
            Ok(reply) => reply,
            Err(error) => self.broken(clause, error.report()),
        }
    }

    pub(super) async fn in_time<F: Future>(&self, clause: &str, future: F) -> F::Output {
        let patience = self.contract.patience;
        match tokio::time::timeout(patience, future).await {
            Ok(output) => output,
            Err(_) => self.broken(clause, format_args!("nothing within {patience:?}")),
        }
    }

    pub(super) async fn next(
        &self,
        events: &mut ReplyStream,
    ) -> Option<Result<crate::call::Piece>> {
        let next = std::future::poll_fn(|cx| events.as_mut().poll_next(cx));
        self.in_time("a stream yields each event as soon as it is there", next)
            .await
    }

    /// The protocol of replies.
    pub(super) fn protocol(&self) -> ProviderProtocol {
        let client = ClientProtocol::of(self.operation);
        client.expect("a chat").into()
    }

    /// Asserts one clause of the contract.
    pub(super) fn holds(&self, clause: &str, truth: bool, seen: impl Debug) {
        if !truth {
            self.broken(clause, seen);
        }
    }

    pub(super) fn broken(&self, clause: &str, seen: impl Debug) -> ! {
        let (kind, operation) = (self.contract.provider.kind(), self.operation.as_str());
        panic!("{kind}, {operation}: the contract says: {clause}. Seen instead: {seen:?}")
    }
}
