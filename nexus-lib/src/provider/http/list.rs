use bytes::Bytes;
use http::{HeaderValue, Request, header};
use tokio::time::Instant;

use super::media;
use crate::call::Upstream;
use crate::error::{Error, ErrorKind, Result};
use crate::provider::Transport;
use crate::provider::dialect::Dialect;
use crate::provider::faults::{refused_credentials, unknown_coding};

/// The longest list that is read, in bytes. OpenRouter's, one of the longest, has half a million.
const MAX_LIST_BYTES: usize = 8 << 20;

/// The model names that `upstream` reports.
pub(super) async fn list(
    dialect: &impl Dialect,
    transport: &Transport,
    upstream: &Upstream,
) -> Result<Vec<String>> {
    let Upstream { provider, proxies } = upstream;
    let timeouts = transport.timeouts();
    let deadline = Instant::now() + timeouts.first_event;
    let endpoint = dialect.list_endpoint(provider)?;
    let mut request = Request::new(Bytes::new());
    let headers = request.headers_mut();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT_ENCODING, media::IDENTITY);
    dialect.authorize(provider, headers);
    let response = transport
        .send(&endpoint, proxies.as_ref(), request, &timeouts, deadline)
        .await?;
    let (mut head, body) = response.into_parts();
    match head.status {
        status if dialect.is_refused_key(status, &[]) => {
            return Err(refused_credentials(head.status));
        }
        status if !status.is_success() => {
            return Err(Error::new(
                ErrorKind::UpstreamInvalid,
                format!(
                    "the provider answered {} to the request for its models; add them by hand",
                    status.as_u16()
                ),
            ));
        }
        _ => {}
    }
    let body = body
        .decoded(&mut head.headers)
        .map_err(|_| unknown_coding())?;
    let bytes = body.collect(MAX_LIST_BYTES).await?;
    dialect.names(&bytes).map_err(|cause| {
        let message =
            "the provider's list of models is not in the format of its kind; add them by hand";
        Error::new(ErrorKind::UpstreamInvalid, message).with_source(cause)
    })
}
