use crate::call::{Attempt, RequestBody};
use crate::error::Result;
use crate::memory::{self, Recent};
use crate::offload;
use crate::wire::Operation;

/// Resolves the references in `attempt`, if it is a Responses request with any. `is_kept_there`
/// means that the provider keeps its own answers.
///
/// # Errors
/// `InvalidRequest` when a reference is unknown.
///
/// # Cancel safety
/// If dropped, some work may still finish; its result is discarded.
pub(crate) async fn resolved(
    attempt: Attempt,
    recent: &Recent,
    is_kept_there: bool,
) -> Result<Attempt> {
    let operation = attempt.operation();
    if operation != Operation::Response {
        return Ok(attempt);
    }
    let client = attempt.call().principal.identity();
    let (body, recent) = (attempt.body().bytes().clone(), recent.clone());
    let resolve = move || match memory::resolve(&recent, client, &body, is_kept_there)? {
        Some(body) => RequestBody::read(operation, body).map(Some),
        None => Ok(None),
    };
    let len = attempt.body().bytes().len();
    Ok(match offload::by_length(len, resolve).await? {
        Some(body) => attempt.sent_as(body),
        None => attempt,
    })
}
