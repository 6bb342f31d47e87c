use std::sync::Arc;

use http::HeaderMap;

use super::{Dialect, show_key};
use crate::call::{ProviderProfile, Target};
use crate::error::Result;
use crate::wire::{BaseUrl, Endpoint, Operation, Protocols};

/// The API version for deployments: the latest one that is not a preview.
const DEPLOYMENT_VERSION: &str = "2024-10-21";

/// Azure OpenAI.
///
/// | base | requests go to |
/// |---|---|
/// | `https://NAME.openai.azure.com` | `…/openai/v1/chat/completions`; the model is a deployment |
/// | `https://NAME.openai.azure.com/openai/v1` | the same |
/// | `…/openai/deployments` | `…/deployments/MODEL/chat/completions?api-version=2024-10-21` |
/// | `https://…?api-version=…#` | exactly this URL |
///
/// Source: <https://learn.microsoft.com/azure/ai-foundry/openai/reference> (data plane inference,
/// and v1).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Azure;

impl Dialect for Azure {
    fn kind(&self) -> &'static str {
        "azure"
    }

    fn protocols(&self, profile: &ProviderProfile) -> Protocols {
        match deployments(&profile.base_url) {
            Some(_) => Protocols::CHAT,
            None => Protocols::OPENAI,
        }
    }

    fn takes(&self, _operation: Operation) -> bool {
        true
    }

    fn endpoint(
        &self,
        target: &Target,
        operation: Operation,
        _is_stream: bool,
    ) -> Result<Arc<Endpoint>> {
        if let Some(base) = deployments(&target.provider.base_url) {
            let (model, path) = (
                super::gemini::escaped(target.model_sent()),
                operation.path(),
            );
            let url = format!("{base}/{model}{path}?api-version={DEPLOYMENT_VERSION}#");
            return Endpoint::new(BaseUrl::parse(&url)?.join("", "")?).map(Arc::new);
        }
        let join = |base: &BaseUrl| base.join("/openai/v1", operation.path());
        target.provider.endpoint(operation, join).cloned()
    }

    fn list_endpoint(&self, profile: &ProviderProfile) -> Result<Endpoint> {
        Endpoint::new(profile.base_url.join("/openai/v1", "/models")?)
    }

    fn authorize(&self, profile: &ProviderProfile, headers: &mut HeaderMap) {
        show_key(profile, headers, "api-key");
    }
}

/// The deployments' base, if it is one.
fn deployments(base: &BaseUrl) -> Option<&str> {
    let text = base.as_str().trim_end_matches('/');
    text.ends_with("/openai/deployments").then_some(text)
}
