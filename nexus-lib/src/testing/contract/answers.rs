use crate::testing::{Answer, Gate};

/// What an upstream says to one question, in its provider's own protocol: whole, in a stream, and when it
/// refuses.
#[derive(Debug, Clone)]
pub struct UpstreamAnswers {
    pub(super) words: String,
    whole: String,
    media: &'static str,
    events: Vec<String>,
    refusal: Option<(u16, String)>,
}

impl UpstreamAnswers {
    /// The whole answer that says `words`, as JSON. It tells its usage.
    pub fn new(words: impl Into<String>, whole: impl Into<String>) -> Self {
        Self {
            words: words.into(),
            whole: whole.into(),
            media: "text/event-stream",
            events: Vec::new(),
            refusal: None,
        }
    }

    /// The same, streamed: `events` or lines, each as its bytes are, to the last. The first half of them says
    /// some of the words, and the last of them tells the usage or comes after it. Not called for a provider
    /// that never asks for streams.
    #[must_use]
    pub fn streamed<E: Into<String>>(mut self, events: impl IntoIterator<Item = E>) -> Self {
        self.events = events.into_iter().map(Into::into).collect();
        self
    }

    /// The `content-type` of the stream; `text/event-stream` unless set.
    #[must_use]
    pub fn media(mut self, media: &'static str) -> Self {
        self.media = media;
        self
    }

    /// How it refuses: with an error status that is not about the key, and this JSON.
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

    /// Whole, by its head; the body breaks off.
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

    /// Streamed, the second half behind `gate`.
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

    /// Streams that end before their end: between events, inside one, and where nothing tells the length.
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
