use bytes::Buf;
use http::request::Parts;
use http_body::Body as HttpBody;
use tower::{Service, ServiceExt};

use crate::call::{Call, Metered, Operation, Principal, RequestBody};
use crate::error::{BoxError, Error, Result};
use crate::http::collect::collect;
use crate::provider::headers;
use crate::wire::{ConversationId, RequestId};

/// One chat completion, from the body's first byte to the reply's head.
pub(super) async fn complete<S, B>(
    stack: S,
    principal: Principal,
    (id, conversation): (RequestId, ConversationId),
    (head, body): (Parts, B),
    max_body_bytes: usize,
) -> Result<Metered>
where
    S: Service<Call, Response = Metered, Error = Error>,
    B: HttpBody<Data: Buf, Error: Into<BoxError>>,
{
    let body = RequestBody::scan(collect(body, max_body_bytes).await?)?;
    let mut call = Call::new(id, principal, Operation::ChatCompletion, conversation, body);
    call.headers = headers::forwardable(&head.headers);
    stack.oneshot(call).await
}
