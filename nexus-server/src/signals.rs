use std::io;

/// The signals that ask for an end, SIGTERM and Ctrl-C; and the one that must not bring it.
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    /// Sent to a process that reaches its limit for the size of files (`ulimit -f`), to end it. Heard,
    /// the write fails instead: to the ledger that is a full disk.
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    _file_too_large: tokio::signal::unix::Signal,
}

/// SIGXFSZ, which tokio has no name for. MIPS alone has another number.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
const FILE_TOO_LARGE: i32 = if cfg!(any(target_arch = "mips", target_arch = "mips64")) {
    31
} else {
    25
};

impl Signals {
    /// From here on a signal is heard, and no longer ends the process by itself.
    #[cfg(unix)]
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            #[cfg(any(target_os = "linux", target_vendor = "apple"))]
            _file_too_large: signal(SignalKind::from_raw(FILE_TOO_LARGE))?,
        })
    }

    /// The next signal.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
