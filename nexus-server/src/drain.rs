use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;

use crate::failure::Failure;
use crate::listen::Phase;
use crate::signals::Signals;

/// Runs `serving` until a signal, then takes it through its phases to its end.
///
/// Open requests have `timeout` to finish; then `cut_off` is called, which must end and settle
/// them.
///
/// # Errors
/// [`Failure::Forced`] at a second signal: nothing is awaited any more.
pub(crate) async fn run(
    serving: impl Future<Output = ()>,
    phase: &watch::Sender<Phase>,
    timeout: Duration,
    cut_off: impl FnOnce(),
    signals: &mut Signals,
) -> Result<(), Failure> {
    let mut serving = pin!(serving);
    tokio::select! {
        () = &mut serving => return Ok(()),
        () = signals.next() => {}
    }
    tracing::info!("draining: no new connections, open requests may finish");
    phase.send_replace(Phase::Draining);
    tokio::select! {
        biased;
        () = &mut serving => return Ok(()),
        () = signals.next() => return Err(Failure::Forced),
        () = tokio::time::sleep(timeout) => {}
    }
    tracing::warn!("some requests did not finish in time and are cut off");
    cut_off();
    phase.send_replace(Phase::Cutting);
    tokio::select! {
        biased;
        () = serving => Ok(()),
        () = signals.next() => Err(Failure::Forced),
    }
}
