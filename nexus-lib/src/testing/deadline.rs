use std::time::Duration;

/// The maximum wait for anything in this kit: 30 s, which a busy machine needs at times. A test that
/// waits longer is stuck.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Awaits `future`, or panics with the name `what`.
pub(super) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future)
        .await
        .unwrap_or_else(|_| panic!("{what}: waited {DEADLINE:?} in vain"))
}
