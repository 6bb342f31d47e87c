use std::io;

/// The signals that end the server, SIGTERM and Ctrl-C; and one that must not end it.
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    /// The kernel sends it at the file size limit (`ulimit -f`), to end the process. With a handler
    /// the write fails instead: for the ledger that is a full disk.
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    _file_too_large: tokio::signal::unix::Signal,
}

/// SIGXFSZ, which has no name in tokio. Only MIPS has another number.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
const FILE_TOO_LARGE: i32 = if cfg!(any(target_arch = "mips", target_arch = "mips64")) {
    31
} else {
    25
};

impl Signals {
    /// From now on signals are handled, and no longer end the process by themselves.
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
