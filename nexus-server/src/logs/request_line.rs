//! The line that each request leaves, written by hand.
//!
//! It is the one line that every request pays for. `tracing` would look at each field through
//! several layers of dynamic calls, so it costs a few microseconds there, and a fraction here.

use std::cell::RefCell;
use std::fmt::{self, Write as _};

use tracing::Level;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use crate::logs::lines::Lines;
use crate::settings::LogFormat;

/// What log filters know the line by.
const TARGET: &str = "nexus_server::request_log";
const MESSAGE: &str = "request";

/// Writes lines about requests to all places that the log goes to.
pub(crate) struct RequestLines {
    format: LogFormat,
    places: [Place; 2],
}

pub(super) struct Place {
    pub(super) lines: Lines,
    pub(super) is_coloured: bool,
}

/// A field's value.
pub(crate) enum Value<'a> {
    /// An id: visible ASCII, not quoted in text.
    Id(&'a dyn fmt::Display),
    Text(&'a str),
    Number(u64),
}

/// The fields of one line, in their order.
pub(crate) struct Fields<'a> {
    line: &'a mut String,
    shape: Shape,
}

#[derive(Clone, Copy)]
enum Shape {
    Text { is_coloured: bool },
    Json,
}

impl RequestLines {
    pub(super) fn new(format: LogFormat, places: [Place; 2]) -> Self {
        Self { format, places }
    }

    /// Writes a line with the fields that `fill` adds, if the log's filter lets it pass.
    pub(crate) fn write(&self, fill: impl Fn(&mut Fields<'_>)) {
        thread_local! {
            static LINE: RefCell<String> = const { RefCell::new(String::new()) };
        }
        if !tracing::enabled!(target: TARGET, Level::INFO) {
            return;
        }
        LINE.with_borrow_mut(|line| {
            let mut last = None;
            for place in &self.places {
                let shape = match self.format {
                    LogFormat::Json => Shape::Json,
                    LogFormat::Text => Shape::Text {
                        is_coloured: place.is_coloured,
                    },
                };
                // Both places have the same line, unless one is a terminal.
                if last != Some(place.is_coloured) {
                    shape.format(line, &fill);
                    last = Some(place.is_coloured);
                }
                place.lines.push(line.as_bytes());
            }
        });
    }
}

impl Shape {
    fn format(self, line: &mut String, fill: impl Fn(&mut Fields<'_>)) {
        line.clear();
        match self {
            Self::Text { is_coloured: false } => {
                now(line);
                line.push_str("  INFO ");
                line.push_str(TARGET);
                line.push_str(": ");
                line.push_str(MESSAGE);
            }
            Self::Text { is_coloured: true } => {
                line.push_str("\x1b[2m");
                now(line);
                line.push_str("\x1b[0m \x1b[32m INFO\x1b[0m \x1b[2m");
                line.push_str(TARGET);
                line.push_str("\x1b[0m\x1b[2m:\x1b[0m ");
                line.push_str(MESSAGE);
            }
            Self::Json => {
                line.push_str("{\"timestamp\":\"");
                now(line);
                line.push_str("\",\"level\":\"INFO\",\"message\":\"");
                line.push_str(MESSAGE);
                line.push('"');
            }
        }
        fill(&mut Fields { line, shape: self });
        if let Self::Json = self {
            line.push_str(",\"target\":\"");
            line.push_str(TARGET);
            line.push_str("\"}");
        }
        line.push('\n');
    }
}

impl Fields<'_> {
    /// Adds a field.
    pub(crate) fn add(&mut self, name: &str, value: Value<'_>) -> &mut Self {
        self.name(name);
        match (self.shape, value) {
            (Shape::Text { .. }, Value::Id(id)) => self.display(id),
            (Shape::Text { .. }, Value::Text(text)) => self.display(&format_args!("{text:?}")),
            (Shape::Json, Value::Id(id)) => self.quoted(&id.to_string()),
            (Shape::Json, Value::Text(text)) => self.quoted(text),
            (_, Value::Number(number)) => self.display(&number),
        }
        self
    }

    /// Adds a field that only some lines have.
    pub(crate) fn add_some(&mut self, name: &str, value: Option<Value<'_>>) -> &mut Self {
        match value {
            Some(value) => self.add(name, value),
            None => self,
        }
    }

    fn display(&mut self, value: &dyn fmt::Display) {
        // Writing to a string cannot fail.
        let _ = write!(self.line, "{value}");
    }

    /// A string always has a form in JSON.
    fn quoted(&mut self, text: &str) {
        let quoted = serde_json::to_string(text).unwrap_or_default();
        self.line.push_str(&quoted);
    }

    fn name(&mut self, name: &str) {
        let [before, after] = match self.shape {
            Shape::Text { is_coloured: false } => [" ", "="],
            Shape::Text { is_coloured: true } => [" \x1b[3m", "\x1b[0m\x1b[2m=\x1b[0m"],
            Shape::Json => [",\"", "\":"],
        };
        self.line.push_str(before);
        self.line.push_str(name);
        self.line.push_str(after);
    }
}

/// The time, as all other lines have it.
fn now(line: &mut String) {
    let _ = SystemTime.format_time(&mut Writer::new(line));
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::prelude::*;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Kept {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    /// What `tracing` makes of an event with the same fields.
    fn traced(shape: Shape) -> String {
        let kept = Kept::default();
        let lines = tracing_subscriber::fmt::layer().with_writer(kept.clone());
        let lines = match shape {
            Shape::Text { is_coloured } => lines.with_ansi(is_coloured).boxed(),
            Shape::Json => lines.json().flatten_event(true).boxed(),
        };
        let subscriber = tracing_subscriber::registry().with(lines);
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(
                target: TARGET,
                request_id = %r#"0"1\9f-0a"#,
                provider = "na\"me \u{e9}\n\u{1b}[31m",
                status = Some(200_u16),
                error = None::<&str>,
                tokens = 18_446_744_073_709_551_615_u64,
                "request"
            );
        });
        let line = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        without_time(line)
    }

    fn without_time(mut line: String) -> String {
        let at = line.find("20").unwrap();
        assert_eq!(line.as_bytes()[at + 26], b'Z', "{line}");
        line.replace_range(at..at + 27, "");
        line
    }

    #[test]
    fn line_is_the_one_that_tracing_would_write() {
        for shape in [
            Shape::Text { is_coloured: false },
            Shape::Text { is_coloured: true },
            Shape::Json,
        ] {
            let mut line = String::new();
            shape.format(&mut line, |fields| {
                fields
                    .add("request_id", Value::Id(&r#"0"1\9f-0a"#))
                    .add("provider", Value::Text("na\"me \u{e9}\n\u{1b}[31m"))
                    .add_some("status", Some(Value::Number(200)))
                    .add_some("error", None)
                    .add("tokens", Value::Number(u64::MAX));
            });
            assert_eq!(without_time(line), traced(shape));
        }
    }
}
