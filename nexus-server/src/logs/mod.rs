//! The log: lines on standard error, and in files.

mod counted;
mod files;
mod lines;
mod request_line;

use std::io::{self, IsTerminal, Write};

use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::writer::MakeWriterExt;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

use crate::failure::Failure;
use crate::settings::{LogFormat, Settings};
use counted::Lost;
use files::{DailyFiles, Limits};
use lines::{Lines, Writing};
use request_line::Place;

pub(crate) use files::todays_file;
pub(crate) use request_line::{RequestLines, Value};

/// Keeps the log's threads running. Dropped, it writes what is queued.
pub(crate) struct Logs {
    format: LogFormat,
    is_terminal: bool,
    dropped: DroppedLines,
    _stderr: Writing,
    _file: Writing,
}

/// Counts the lines that are missing: they came faster than they could be written, or could not be
/// written at all.
#[derive(Clone)]
pub(crate) struct DroppedLines {
    stderr: Output,
    file: Output,
}

/// One place that the log goes to.
#[derive(Clone)]
struct Output {
    lines: Lines,
    lost: Lost,
}

impl Output {
    fn start(to: impl Write + Send + 'static) -> io::Result<(Self, Writing)> {
        let lost = Lost::default();
        let (lines, writing) = Lines::start(to, lost.clone())?;
        Ok((Self { lines, lost }, writing))
    }

    fn missing(&self) -> u64 {
        self.lines.dropped().saturating_add(self.lost.lines())
    }
}

impl DroppedLines {
    /// How many lines are missing on standard error.
    pub(crate) fn on_stderr(&self) -> u64 {
        self.stderr.missing()
    }

    /// How many lines are missing in the files.
    pub(crate) fn in_files(&self) -> u64 {
        self.file.missing()
    }
}

impl Logs {
    pub(crate) fn dropped(&self) -> DroppedLines {
        self.dropped.clone()
    }

    /// Where the lines about requests go.
    pub(crate) fn requests(&self) -> RequestLines {
        let file = Place {
            lines: self.dropped.file.lines.clone(),
            is_coloured: false,
        };
        let stderr = Place {
            lines: self.dropped.stderr.lines.clone(),
            is_coloured: self.is_terminal,
        };
        RequestLines::new(self.format, [file, stderr])
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

/// Starts logging to stderr and to [files](DailyFiles).
///
/// A thread for each writes what has gathered, so that a slow disk or a stuck terminal holds up
/// neither a request nor the other one. Lines that find no room are dropped and counted.
pub(crate) fn start(settings: &Settings) -> Result<Logs, Failure> {
    let limits = Limits {
        days: settings.log_retention_days,
        bytes: settings.log_max_bytes,
    };
    let failed = |cause| Failure::Logs {
        folder: settings.logs_dir.clone(),
        cause,
    };
    let files = DailyFiles::open(&settings.logs_dir, limits).map_err(failed)?;
    let (file, file_writing) = Output::start(files).map_err(failed)?;
    let (stderr, stderr_writing) = Output::start(io::stderr()).map_err(failed)?;
    let format = settings.log_format;
    let is_terminal = io::stderr().is_terminal();
    let filtered = tracing_subscriber::registry().with(EnvFilter::new(&settings.log_filter));
    let (to_file, to_stderr) = (file.lines.clone(), stderr.lines.clone());
    match is_terminal {
        true => filtered
            .with(layer(format, to_file, false))
            .with(layer(format, to_stderr, true))
            .init(),
        // The same line for both, which is formatted once.
        false => filtered
            .with(layer(format, to_file.and(to_stderr), false))
            .init(),
    }
    Ok(Logs {
        format,
        is_terminal,
        dropped: DroppedLines { stderr, file },
        _stderr: stderr_writing,
        _file: file_writing,
    })
}

fn layer<S, W>(format: LogFormat, to: W, is_coloured: bool) -> Box<dyn Layer<S> + Send + Sync>
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

/// `tracing` formats a line and writes it by one call.
impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}
