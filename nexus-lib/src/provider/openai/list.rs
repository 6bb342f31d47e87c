//! What an upstream says it has: `GET /models`.

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::Full;
use serde::Deserialize;
use tokio::time::Instant;

use super::refused_credentials;
use crate::call::Upstream;
use crate::error::{Error, ErrorKind, Result};
use crate::provider::Transport;
use crate::wire::Endpoint;

/// The longest list that is read, in bytes. OpenRouter's, one of the longest, has half a million.
const MAX_LIST_BYTES: usize = 8 << 20;

/// The names in the answer, in its order.
///
/// Source: <https://platform.openai.com/docs/api-reference/models/list>.
#[derive(Deserialize)]
struct List {
    data: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
}

pub(super) async fn list(transport: &Transport, upstream: &Upstream) -> Result<Vec<String>> {
    let Upstream { provider, proxies } = upstream;
    let timeouts = transport.timeouts();
    let deadline = Instant::now() + timeouts.first_event;
    let endpoint = Endpoint::new(provider.base_url.join("/v1", "/models")?)?;
    let mut request = Request::new(Full::new(Bytes::new()));
    let headers = request.headers_mut();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(bearer) = &provider.bearer {
        headers.insert(header::AUTHORIZATION, bearer.clone());
    }
    let response = transport
        .send(&endpoint, proxies.as_ref(), request, &timeouts, deadline)
        .await?;
    let (head, body) = response.into_parts();
    match head.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return Err(refused_credentials(head.status));
        }
        status if !status.is_success() => {
            return Err(Error::new(
                ErrorKind::UpstreamInvalid,
                format!(
                    "the provider answered {} when it was asked for its models; add them by hand",
                    status.as_u16()
                ),
            ));
        }
        _ => {}
    }
    let bytes = body.collect(MAX_LIST_BYTES).await?;
    let list: List = serde_json::from_slice(&bytes).map_err(|cause| {
        let message = "the provider's list of models is not in OpenAI's form; add them by hand";
        Error::new(ErrorKind::UpstreamInvalid, message).with_source(cause)
    })?;
    Ok(list.data.into_iter().map(|entry| entry.id).collect())
}
