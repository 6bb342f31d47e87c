use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;

use crate::call::{Attempt, Observed, Reply, ReplyBody};
use crate::error::Result;
use crate::estimate;
use crate::offload;
use crate::transcript::Delivered;
use crate::translate::fit::{self, Destination, Vendor};
use crate::translate::{Losses, ProviderProtocol, chat, messages};

/// Answers a token count request for providers that do not support it, with our own estimate, which
/// excludes what a provider adds.
///
/// # Errors
/// `InvalidRequest` when the request is malformed.
///
/// # Cancel safety
/// As for [`offload::elsewhere`].
pub(crate) async fn count(attempt: &Attempt) -> Result<Reply> {
    let bytes = attempt.body().bytes().clone();
    let model = attempt.target().model_sent().to_owned();
    let counted = offload::elsewhere(move || {
        let mut request = messages::request::read_to_count(&bytes)?;
        let mut losses = Losses::new(false);
        let to = Destination {
            protocol: ProviderProtocol::Chat,
            vendor: Vendor::Other,
            model: "",
        };
        fit::fit(&mut request, to, &mut losses)?;
        let body = chat::request::write(&request, "", &mut losses)?;
        Ok(estimate::usage(&body, &Delivered::Nothing, &model).prompt_tokens)
    });
    let tokens = counted.await?;
    let mut headers = HeaderMap::new();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    Ok(Reply::new(
        StatusCode::OK,
        headers,
        ReplyBody::Full {
            bytes: Bytes::from(json!({"input_tokens": tokens}).to_string()),
            observed: Observed::default(),
        },
    ))
}
