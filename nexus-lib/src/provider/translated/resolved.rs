use crate::call::{Attempt, RequestBody};
use crate::error::Result;
use crate::memory::{self, Recent};
use crate::offload;
use crate::wire::Operation;

/// `attempt` with what it refers to in place of the references, if it is one of Responses and has any.
/// `is_kept_there` says that the provider keeps its own answers.
///
/// # Errors
/// `InvalidRequest` where something is not known.
///
/// # Cancel safety
/// Dropped, it leaves at most some work behind, whose result nobody sees.
pub(crate) async fn resolved(
    attempt: Attempt,
    recent: &Recent,
    is_kept_there: bool,
) -> Result<Attempt> {
    let operation = attempt.operation();
    if operation != Operation::Response {
        return Ok(attempt);
    }
    let client = attempt.call().principal.key();
    let (body, recent) = (attempt.body().bytes().clone(), recent.clone());
    let resolve = move || match memory::resolve(&recent, client, &body, is_kept_there)? {
        Some(body) => RequestBody::read(operation, body).map(Some),
        None => Ok(None),
    };
    let len = attempt.body().bytes().len();
    Ok(match offload::by_length(len, resolve).await? {
        Some(body) => attempt.told_as(operation, body),
        None => attempt,
    })
}
