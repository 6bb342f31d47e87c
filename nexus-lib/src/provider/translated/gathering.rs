use bytes::Bytes;

use super::frames::Frames;
use crate::error::{Error, ErrorKind, Result};
use crate::provider::faults::empty_stream;
use crate::translate::{Answered, Fault, Gathered, ProviderProtocol, Reader};

/// Assembles a provider's stream into a whole answer.
pub(crate) struct Gathering {
    frames: Frames,
    reader: Reader,
    gathered: Gathered,
    has_events: bool,
}

impl Gathering {
    pub(super) fn new(provider: ProviderProtocol) -> Self {
        Self {
            frames: Frames::of(provider),
            reader: provider.reader(),
            gathered: Gathered::default(),
            has_events: false,
        }
    }

    /// Reads `body`, sent in place of a whole answer, as a stream without events: lines, or a list
    /// of answers.
    pub(super) fn of_whole(
        provider: ProviderProtocol,
        body: &[u8],
    ) -> Option<Result<Answered, Fault>> {
        let list: Option<Vec<&serde_json::value::RawValue>> = serde_json::from_slice(body).ok();
        let events: Vec<u8> = match list {
            Some(list) => {
                // Line ends inside JSON are whitespace.
                let items = list
                    .iter()
                    .map(|item| item.get().replace(['\n', '\r'], " "));
                items
                    .flat_map(|item| format!("data: {item}\n\n").into_bytes())
                    .collect()
            }
            None => {
                let lines = body.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
                let lines = lines.filter(|line| line.starts_with(b"{"));
                lines
                    .flat_map(|line| [b"data: ", line, b"\n\n"].concat())
                    .collect()
            }
        };
        let mut gathering = Self::new(provider);
        for event in gathering.reader.push(&events) {
            gathering.gathered.push(event);
        }
        gathering.finish().ok()
    }

    /// Takes the next chunk, and returns whether the answer is complete.
    ///
    /// # Errors
    /// `UpstreamInvalid` when an event is too long.
    pub(crate) fn push(&mut self, chunk: Bytes) -> Result<bool> {
        let region = self.frames.push(chunk)?;
        for event in self.reader.push(&region) {
            self.has_events = true;
            self.gathered.push(event);
        }
        Ok(self.gathered.is_over())
    }

    /// Whether a finish reason has arrived: a final event is not required after it.
    pub(crate) fn is_finished(&self) -> bool {
        self.reader.is_finished()
    }

    /// The assembled answer.
    ///
    /// # Errors
    /// `UpstreamInvalid` when it was empty, `UpstreamUnreachable` when it was cut off.
    pub(super) fn finish(mut self) -> Result<Result<Answered, Fault>> {
        let rest = self.frames.finish();
        for event in self.reader.end(&rest) {
            self.has_events = true;
            self.gathered.push(event);
        }
        match self.gathered.into_answer() {
            Some(answer) => Ok(answer),
            None if !self.has_events => Err(empty_stream()),
            None => Err(Error::new(
                ErrorKind::UpstreamUnreachable,
                "the provider ended its answer before it was complete; try again",
            )),
        }
    }
}
