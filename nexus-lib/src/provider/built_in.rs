//! The built-in implementations as values: to be wrapped by one of an application's own.
//!
//! A gateway has all of them without being asked. One that is given to
//! [`GatewayBuilder::provider`](crate::GatewayBuilder::provider) takes the place of the built-in
//! one of its kind; what wraps it sees every attempt at those providers. Give the gateway the same
//! [`Transport`].
//!
//! ```
//! use async_trait::async_trait;
//! use nexus_lib::call::{Attempt, Reply};
//! use nexus_lib::provider::{self, Provider};
//! use nexus_lib::{Result, Transport};
//!
//! /// Logs how long OpenAI's models take to begin.
//! struct Timed<P>(P);
//!
//! #[async_trait]
//! impl<P: Provider> Provider for Timed<P> {
//!     fn kind(&self) -> &'static str {
//!         self.0.kind()
//!     }
//!     fn speaks(&self, operation: nexus_lib::wire::Operation) -> bool {
//!         self.0.speaks(operation)
//!     }
//!     async fn send(&self, attempt: Attempt) -> Result<Reply> {
//!         let began = std::time::Instant::now();
//!         let reply = self.0.send(attempt).await;
//!         eprintln!("it took {:?}", began.elapsed());
//!         reply
//!     }
//!     async fn upstream_models(&self, upstream: &nexus_lib::call::Upstream) -> Result<Vec<String>> {
//!         self.0.upstream_models(upstream).await
//!     }
//! }
//!
//! # fn main() -> Result<()> {
//! let transport = Transport::builder().build()?;
//! let timed = Timed(provider::openai(&transport));
//! // Gateway::builder(store).transport(transport).provider(timed)
//! assert_eq!(timed.kind(), "openai");
//! # Ok(())
//! # }
//! ```

use super::{Anthropic, Azure, Gemini, HttpProvider, Ollama, OpenAi, Provider, Transport, Xai};

/// OpenAI, and every server that is compatible with it.
pub fn openai(transport: &Transport) -> impl Provider + use<> {
    HttpProvider::new(OpenAi, transport.clone())
}

/// Anthropic.
pub fn anthropic(transport: &Transport) -> impl Provider + use<> {
    HttpProvider::new(Anthropic, transport.clone())
}

/// Google's Gemini.
pub fn gemini(transport: &Transport) -> impl Provider + use<> {
    HttpProvider::new(Gemini, transport.clone())
}

/// Azure OpenAI.
pub fn azure(transport: &Transport) -> impl Provider + use<> {
    HttpProvider::new(Azure, transport.clone())
}

/// xAI's Grok.
pub fn xai(transport: &Transport) -> impl Provider + use<> {
    HttpProvider::new(Xai, transport.clone())
}

/// Ollama.
pub fn ollama(transport: &Transport) -> impl Provider + use<> {
    HttpProvider::new(Ollama, transport.clone())
}
