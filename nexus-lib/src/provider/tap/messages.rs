use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::events::{EventTap, Found, ReadEvents};
use crate::call::Observed;
use crate::sse::{Event, events};
use crate::translate::{self, messages};

/// Passes a stream of Anthropic's events through, and reports what is in it.
///
/// Only its first event and its last two are of interest; those in between are text.
pub(crate) type MessagesTap = EventTap<Messages>;

#[derive(Debug)]
pub(crate) struct Messages(messages::stream::Reader);

/// The names that make an event worth parsing. A match inside text costs time, and nothing else.
static NAMES: LazyLock<[Finder<'static>; 4]> = LazyLock::new(|| {
    [
        "message_start",
        "message_delta",
        "message_stop",
        "\"error\"",
    ]
    .map(Finder::new)
});

impl MessagesTap {
    pub(crate) fn new() -> Self {
        Self::over(Messages(messages::stream::Reader::new()))
    }
}

impl ReadEvents for Messages {
    fn read(&mut self, region: &[u8], has_events: bool) -> Found {
        let mut observed = Observed::default();
        if NAMES.iter().any(|name| name.find(region).is_some()) {
            for event in events(region) {
                let bytes = &region[event.range()];
                if NAMES.iter().any(|name| name.find(bytes).is_some()) {
                    self.note(&event, &mut observed);
                }
            }
        }
        Found {
            has_answer: has_events || events(region).any(|event| is_of_answer(&event)),
            is_over: observed.terminal,
            observed,
        }
    }
}

impl Messages {
    /// A malformed event is ignored, and still passes.
    fn note(&mut self, event: &Event<'_>, observed: &mut Observed) {
        let mut events = Vec::new();
        let _ = self.0.push(event, &mut events);
        // The first event only means that the answer has started.
        let is_begun = matches!(events.first(), Some(translate::Event::Start { .. }));
        for events in events {
            match events {
                translate::Event::Usage(counts) if is_begun => observed.prompt = Some(counts.usage),
                translate::Event::Usage(counts) => observed.usage = Some(counts.usage),
                translate::Event::Finish(_) => observed.finished = true,
                translate::Event::Done => observed.terminal = true,
                translate::Event::Error { message, .. } => {
                    observed.error = Some(message.chars().take(500).collect());
                }
                _ => {}
            }
        }
    }
}

/// Pings may precede an answer too, and proxies send plain text.
fn is_of_answer(event: &Event<'_>) -> bool {
    let data = event.data();
    event.name() != Some(b"ping") && data.trim_ascii_start().starts_with(b"{")
}
