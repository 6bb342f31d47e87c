use crate::testing::{Answer, Gate};

/// An upstream's answers to one question, in its provider's own protocol: whole, as a stream, and a
/// rejection.
#[derive(Debug, Clone)]
pub struct UpstreamAnswers {
    pub(super) words: String,
    whole: String,
    media: &'static str,
    events: Vec<String>,
    refusal: Option<(u16, String)>,
}

impl UpstreamAnswers {
    /// The whole answer with the text `words`, as JSON. It must contain usage.
    pub fn new(words: impl Into<String>, whole: impl Into<String>) -> Self {
        Self {
            words: words.into(),
            whole: whole.into(),
            media: "text/event-stream",
            events: Vec::new(),
            refusal: None,
        }
    }

    /// The same as a stream: `events` or lines, each with its bytes, up to the last. The first half
    /// must contain some of the words; the usage must be in the last event or follow it. Not used
    /// for a provider that never requests streams.
    #[must_use]
    pub fn streamed<E: Into<String>>(mut self, events: impl IntoIterator<Item = E>) -> Self {
        self.events = events.into_iter().map(Into::into).collect();
        self
    }

    /// The `content-type` of the stream; default: `text/event-stream`.
    #[must_use]
    pub fn media(mut self, media: &'static str) -> Self {
        self.media = media;
        self
    }

    /// The rejection: an error status that is not about the key, and this JSON.
    #[must_use]
    pub fn refusing(mut self, status: u16, body: impl Into<String>) -> Self {
        self.refusal = Some((status, body.into()));
        self
    }

    /// The body of the whole answer.
    pub fn body(&self) -> &str {
        &self.whole
    }

    /// The events, or lines, of the stream.
    pub fn events(&self) -> &[String] {
        &self.events
    }

    /// Whole.
    pub(super) fn whole(&self) -> Answer {
        Answer::json(200, self.whole.clone())
    }

    /// Whole according to its head; the body is cut off.
    pub(super) fn cut_whole(&self) -> Answer {
        let length = self.whole.len().to_string();
        let headers = [
            ("content-type", "application/json"),
            ("content-length", &*length),
        ];
        let half = self.whole.as_bytes()[..self.whole.len() / 2].to_vec();
        Answer::new().head(200, &headers).bytes(half).cut()
    }

    pub(super) fn has_stream(&self) -> bool {
        self.events.len() > 1
    }

    /// As a stream, with the second half behind `gate`.
    pub(super) fn stream(&self, gate: &Gate) -> Answer {
        let answer = self.begun().pause(gate);
        let rest = &self.events[self.half()..];
        rest.iter()
            .fold(answer, |answer, event| answer.chunk(event))
            .end()
    }

    /// The first half of the stream.
    pub(super) fn begun(&self) -> Answer {
        let headers = [
            ("content-type", self.media),
            ("transfer-encoding", "chunked"),
        ];
        let head = Answer::new().head(200, &headers);
        let first = self.events[..self.half()].iter();
        first.fold(head, |answer, event| answer.chunk(event))
    }

    /// Streams that end early: between events, within one, and without a declared length.
    pub(super) fn cut_streams(&self) -> [Answer; 3] {
        let next = &self.events[self.half()];
        let part = &next.as_bytes()[..next.len() / 2];
        let unframed = Answer::new().head(200, &[("content-type", self.media)]);
        let unframed = unframed.bytes(self.events[..self.half()].concat());
        [
            self.begun().cut(),
            self.begun().chunk(part).cut(),
            unframed.cut(),
        ]
    }

    pub(super) fn refusal(&self) -> Option<Answer> {
        let (status, body) = self.refusal.clone()?;
        Some(Answer::json(status, body))
    }

    fn half(&self) -> usize {
        self.events.len() / 2
    }
}
