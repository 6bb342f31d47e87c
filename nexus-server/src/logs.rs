use std::io::{self, IsTerminal};

use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, fmt};

use crate::failure::Failure;
use crate::settings::Settings;

/// Keeps the log's writers at work; dropping it writes what is queued.
pub(crate) struct Logs {
    _stderr: WorkerGuard,
    _file: WorkerGuard,
}

/// Begins to log to stderr and to a file a day.
///
/// A thread of its own does the writing, so that a slow disk or a stuck terminal holds no request up;
/// what comes faster than it can be written is dropped.
pub(crate) fn start(settings: &Settings) -> Result<Logs, Failure> {
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("nexus")
        .filename_suffix("log")
        .build(&settings.logs_dir)
        .map_err(|cause| Failure::Logs {
            folder: settings.logs_dir.clone(),
            cause: cause.to_string(),
        })?;
    let (file, file_guard) = NonBlocking::new(appender);
    let (stderr, stderr_guard) = NonBlocking::new(io::stderr());
    tracing_subscriber::registry()
        .with(EnvFilter::new(&settings.log_filter))
        .with(fmt::layer().with_ansi(false).with_writer(file))
        .with(
            fmt::layer()
                .with_ansi(io::stderr().is_terminal())
                .with_writer(stderr),
        )
        .init();
    Ok(Logs {
        _stderr: stderr_guard,
        _file: file_guard,
    })
}
