use std::fs;
use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

use crate::failure::Failure;
use crate::settings::{LogFormat, Settings};

/// How many lines wait for a disk or a terminal at most; a few megabytes. What comes on top is dropped.
const WAITING_LINES: usize = 16_384;

/// Keeps the log's writers at work; dropping it writes what is queued.
pub(crate) struct Logs {
    dropped: DroppedLines,
    _stderr: WorkerGuard,
    _file: WorkerGuard,
}

/// Counts the lines that came faster than they could be written.
#[derive(Clone)]
pub(crate) struct DroppedLines {
    stderr: ErrorCounter,
    file: ErrorCounter,
}

impl DroppedLines {
    /// How many lines are missing on standard error.
    pub(crate) fn on_stderr(&self) -> u64 {
        count(&self.stderr)
    }

    /// How many lines are missing in the files.
    pub(crate) fn in_files(&self) -> u64 {
        count(&self.file)
    }
}

fn count(counter: &ErrorCounter) -> u64 {
    u64::try_from(counter.dropped_lines()).unwrap_or(u64::MAX)
}

impl Logs {
    pub(crate) fn dropped(&self) -> DroppedLines {
        self.dropped.clone()
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        let (on_stderr, in_files) = (self.dropped.on_stderr(), self.dropped.in_files());
        if on_stderr + in_files > 0 {
            tracing::warn!(on_stderr, in_files, "lines of the log were dropped");
        }
    }
}

/// Begins to log to stderr and to a file a day.
///
/// Threads of their own do the writing, so that a slow disk or a stuck terminal holds no request up;
/// what comes faster than it can be written is dropped, and counted.
pub(crate) fn start(settings: &Settings) -> Result<Logs, Failure> {
    let failure = |cause: String| Failure::Logs {
        folder: settings.logs_dir.clone(),
        cause,
    };
    // The appender looks for old files before it makes the folder, and complains on stderr.
    fs::create_dir_all(&settings.logs_dir).map_err(|cause| failure(cause.to_string()))?;
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("nexus")
        .filename_suffix("log")
        .max_log_files(settings.log_retention_days)
        .build(&settings.logs_dir)
        .map_err(|cause| failure(cause.to_string()))?;
    let (file, file_guard) = writer(appender);
    let (stderr, stderr_guard) = writer(io::stderr());
    let dropped = DroppedLines {
        stderr: stderr.error_counter(),
        file: file.error_counter(),
    };
    let format = settings.log_format;
    tracing_subscriber::registry()
        .with(EnvFilter::new(&settings.log_filter))
        .with(lines(format, file, false))
        .with(lines(format, stderr, io::stderr().is_terminal()))
        .init();
    Ok(Logs {
        dropped,
        _stderr: stderr_guard,
        _file: file_guard,
    })
}

fn writer(to: impl io::Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING_LINES)
        .finish(to)
}

fn lines<S>(
    format: LogFormat,
    to: NonBlocking,
    is_coloured: bool,
) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(to);
    match format {
        LogFormat::Text => lines.with_ansi(is_coloured).boxed(),
        // The fields of an event beside its message: what reads the lines need not look below.
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::mpsc;

    use super::*;

    /// Takes nothing before it is told to.
    struct Stuck(mpsc::Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Whoever let go of the other end lets all pass.
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_a_stuck_writer_cannot_take_is_dropped_and_counted() {
        let (release, stuck) = mpsc::channel();
        let (mut log, guard) = writer(Stuck(stuck));
        let dropped = log.error_counter();
        // One more than may wait may be with the writer.
        for _ in 0..WAITING_LINES + 101 {
            log.write_all(b"line\n").unwrap();
        }
        assert!(
            (100..=101).contains(&count(&dropped)),
            "{}",
            count(&dropped)
        );
        drop(release);
        drop(guard);
    }
}
