//! The log: lines on standard error, and in files.

mod counted;
mod files;

use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::writer::MakeWriterExt;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

use crate::failure::Failure;
use crate::settings::{LogFormat, Settings};
use counted::{Counted, Lost};
use files::{DailyFiles, Limits};

pub(crate) use files::todays_file;

/// How many lines wait for a disk or a terminal at most; a few megabytes. What comes on top is dropped.
const WAITING_LINES: usize = 16_384;

/// Keeps the log's writers at work; dropping it writes what is queued.
pub(crate) struct Logs {
    dropped: DroppedLines,
    _stderr: WorkerGuard,
    _file: WorkerGuard,
}

/// Counts the lines that are missing: they came faster than they could be written, or could not be
/// written at all.
#[derive(Clone)]
pub(crate) struct DroppedLines {
    stderr: Missing,
    file: Missing,
}

#[derive(Clone)]
struct Missing {
    too_fast: ErrorCounter,
    lost: Lost,
}

impl Missing {
    fn lines(&self) -> u64 {
        count(&self.too_fast).saturating_add(self.lost.lines())
    }
}

impl DroppedLines {
    /// How many lines are missing on standard error.
    pub(crate) fn on_stderr(&self) -> u64 {
        self.stderr.lines()
    }

    /// How many lines are missing in the files.
    pub(crate) fn in_files(&self) -> u64 {
        self.file.lines()
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

/// Begins to log to stderr and to [files](DailyFiles).
///
/// Threads of their own do the writing, so that a slow disk or a stuck terminal holds no request up;
/// what comes faster than it can be written is dropped, and counted.
pub(crate) fn start(settings: &Settings) -> Result<Logs, Failure> {
    let limits = Limits {
        days: settings.log_retention_days,
        bytes: settings.log_max_bytes,
    };
    let files = DailyFiles::open(&settings.logs_dir, limits).map_err(|cause| Failure::Logs {
        folder: settings.logs_dir.clone(),
        cause,
    })?;
    let (file, file_missing, file_guard) = writer(files);
    let (stderr, stderr_missing, stderr_guard) = writer(io::stderr());
    let dropped = DroppedLines {
        stderr: stderr_missing,
        file: file_missing,
    };
    let format = settings.log_format;
    let filtered = tracing_subscriber::registry().with(EnvFilter::new(&settings.log_filter));
    match io::stderr().is_terminal() {
        true => filtered
            .with(lines(format, file, false))
            .with(lines(format, stderr, true))
            .init(),
        // The same line for both, which is formatted once.
        false => filtered.with(lines(format, file.and(stderr), false)).init(),
    }
    Ok(Logs {
        dropped,
        _stderr: stderr_guard,
        _file: file_guard,
    })
}

fn writer(to: impl io::Write + Send + 'static) -> (NonBlocking, Missing, WorkerGuard) {
    let lost = Lost::default();
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING_LINES)
        .finish(Counted::new(to, lost.clone()));
    let too_fast = writer.error_counter();
    (writer, Missing { too_fast, lost }, guard)
}

fn lines<S, W>(format: LogFormat, to: W, is_coloured: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
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
        let (mut log, missing, guard) = writer(Stuck(stuck));
        // One more than may wait may be with the writer.
        for _ in 0..WAITING_LINES + 101 {
            log.write_all(b"line\n").unwrap();
        }
        assert!(
            (100..=101).contains(&missing.lines()),
            "{}",
            missing.lines()
        );
        drop(release);
        drop(guard);
    }
}
