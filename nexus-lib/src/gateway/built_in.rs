//! The built-in providers of a gateway, and their connections.

use std::sync::Arc;

use crate::body_memory::BodyMemory;
use crate::error::Result;
use crate::gateway::GatewayBuilder;
use crate::provider::{
    Anthropic, Azure, DemoProvider, Dialect, Gemini, HttpProvider, Manner, Ollama, OpenAi,
    Provider, Transport, Xai,
};

/// With the application's own connections, if it has set any.
#[derive(Default)]
pub(super) struct BuiltIn(Option<Transport>);

impl BuiltIn {
    /// The implementations, for one gateway.
    ///
    /// # Errors
    /// `InvalidConfig` when TLS cannot be set up.
    pub(super) fn providers(
        self,
        manner: &Manner,
        memory: &BodyMemory,
    ) -> Result<Vec<Arc<dyn Provider>>> {
        let transport = match self.0 {
            Some(transport) => transport,
            None => Transport::builder().build()?,
        };
        transport.translate_as(manner.clone());
        transport.count_in(memory.clone());
        Ok(built_in(&transport, manner).into())
    }
}

impl GatewayBuilder {
    /// Replaces the connections to upstreams, and their timers.
    #[must_use]
    pub fn transport(mut self, transport: Transport) -> Self {
        self.built_in = BuiltIn(Some(transport));
        self
    }
}

/// The implementations that are always there.
pub(super) fn built_in(transport: &Transport, manner: &Manner) -> [Arc<dyn Provider>; 7] {
    fn made<D>(dialect: D, transport: &Transport, manner: &Manner) -> Arc<dyn Provider>
    where
        HttpProvider<D>: Provider,
        D: Dialect,
    {
        let provider = HttpProvider::new(dialect, transport.clone());
        Arc::new(provider.translating(manner.clone()))
    }
    [
        made(OpenAi, transport, manner),
        made(Azure, transport, manner),
        made(Anthropic, transport, manner),
        made(Gemini, transport, manner),
        made(Xai, transport, manner),
        made(Ollama, transport, manner),
        Arc::new(DemoProvider),
    ]
}
