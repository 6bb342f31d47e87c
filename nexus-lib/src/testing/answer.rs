use bytes::Bytes;

use super::Gate;

/// One step of an answer of a [`FakeUpstream`](super::FakeUpstream).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Step {
    /// Writes these bytes unchanged.
    Bytes(Bytes),
    /// Waits for a gate to open.
    Pause(Gate),
    /// Closes the connection gracefully (FIN), whatever was promised.
    Cut,
    /// Resets the connection (RST).
    Reset,
    /// Does nothing until the peer closes the connection.
    Hang,
}

/// The answer of a [`FakeUpstream`](super::FakeUpstream) to one request: steps, in order.
///
/// Nothing is checked and nothing is added: an answer may promise more than it delivers.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    steps: Vec<Step>,
}

impl Answer {
    /// An answer without steps.
    pub fn new() -> Self {
        Self::default()
    }

    /// A whole answer: a head with `headers` and the body's `content-length`, then the body.
    pub fn fixed(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let length = body.len().to_string();
        let mut headers = headers.to_vec();
        headers.push(("content-length", &length));
        Self::new().head(status, &headers).bytes(body)
    }

    /// A whole answer of JSON.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::fixed(status, &[("content-type", "application/json")], body)
    }

    /// The head of a chunked event stream, and `events`, each as its own chunk. More may follow;
    /// [`end`](Self::end) it.
    pub fn events(events: &[&str]) -> Self {
        Self::new()
            .head(
                200,
                &[
                    ("content-type", "text/event-stream; charset=utf-8"),
                    ("transfer-encoding", "chunked"),
                ],
            )
            .sse(events)
    }

    /// Writes a status line and `headers`, exactly these.
    #[must_use]
    pub fn head(self, status: u16, headers: &[(&str, &str)]) -> Self {
        let mut head = format!("HTTP/1.1 {status} Scripted\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.bytes(head)
    }

    /// Writes `bytes` unchanged.
    #[must_use]
    pub fn bytes(self, bytes: impl Into<Bytes>) -> Self {
        self.step(Step::Bytes(bytes.into()))
    }

    /// Writes `data` as one chunk of chunked framing.
    #[must_use]
    pub fn chunk(self, data: impl AsRef<[u8]>) -> Self {
        let data = data.as_ref();
        let mut framed = format!("{:x}\r\n", data.len()).into_bytes();
        framed.extend_from_slice(data);
        framed.extend_from_slice(b"\r\n");
        self.bytes(framed)
    }

    /// Writes each event as its own chunk. The text is sent unchanged, including the blank line.
    #[must_use]
    pub fn sse(self, events: &[&str]) -> Self {
        events
            .iter()
            .fold(self, |answer, event| answer.chunk(event))
    }

    /// Ends chunked framing.
    #[must_use]
    pub fn end(self) -> Self {
        self.bytes("0\r\n\r\n")
    }

    /// Waits here until `gate` is opened.
    #[must_use]
    pub fn pause(self, gate: &Gate) -> Self {
        self.step(Step::Pause(gate.clone()))
    }

    /// Closes the connection (FIN).
    #[must_use]
    pub fn cut(self) -> Self {
        self.step(Step::Cut)
    }

    /// Resets the connection (RST). What the peer has not read yet may be lost with it.
    #[must_use]
    pub fn reset(self) -> Self {
        self.step(Step::Reset)
    }

    /// Does nothing more until the peer closes the connection.
    #[must_use]
    pub fn hang(self) -> Self {
        self.step(Step::Hang)
    }

    /// Adds all steps of another answer.
    #[must_use]
    pub fn step_all(mut self, other: Self) -> Self {
        self.steps.extend(other.steps);
        self
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    pub(super) fn into_steps(self) -> Vec<Step> {
        self.steps
    }
}
