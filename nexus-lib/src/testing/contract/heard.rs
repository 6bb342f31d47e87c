use super::case::Case;
use crate::call::{Observed, Piece, Reply, ReplyBody, ReplyStream};
use crate::sse::Decoder;
use crate::translate::{Delta, Event, Output, Reader};
use crate::wire::Usage;

/// The maximum length of an event, in bytes.
const MAX_EVENT_BYTES: usize = 8 << 20;

/// What a client reads from a stream, and what the ledger reads.
pub(super) struct Heard {
    reader: Reader,
    pub(super) text: String,
    pub(super) usage: Option<Usage>,
    pub(super) observed: Observed,
    /// Non-empty pieces.
    pub(super) pieces: usize,
    is_over: bool,
}

impl Heard {
    pub(super) fn new(case: &Case<'_>) -> Self {
        Self {
            reader: case.protocol().reader(),
            text: String::new(),
            usage: None,
            observed: Observed::default(),
            pieces: 0,
            is_over: false,
        }
    }

    pub(super) fn take(&mut self, case: &Case<'_>, piece: Piece) {
        let Piece { bytes, observed } = piece;
        let was_terminal = self.observed.terminal;
        self.observed.merge(observed);
        if bytes.is_empty() {
            return;
        }
        self.pieces += 1;
        let nothing_follows = "nothing follows the final event, which is observed as terminal";
        case.holds(nothing_follows, !was_terminal, &bytes);
        let whole = Decoder::new(MAX_EVENT_BYTES).push(bytes.clone());
        let is_whole = whole.is_ok_and(|whole| whole.len() == bytes.len());
        case.holds("a piece is one or more whole events", is_whole, &bytes);
        for event in self.reader.push(&bytes) {
            match event {
                Event::Delta {
                    delta: Delta::Text(text),
                    ..
                } => self.text.push_str(&text),
                Event::Usage(counts) => self.usage = Some(counts.usage),
                Event::Error { message, .. } => {
                    case.broken("a successful answer has no error", message)
                }
                Event::Done => self.is_over = true,
                _ => {}
            }
        }
    }

    /// Reads the rest, which must end regularly.
    pub(super) async fn finish(mut self, case: &Case<'_>, events: &mut ReplyStream) -> Self {
        while let Some(next) = case.next(events).await {
            match next {
                Ok(piece) => self.take(case, piece),
                Err(error) => case.broken(
                    "a stream that the upstream ended regularly ends without an error",
                    error.report(),
                ),
            }
        }
        let ends = "a stream ends with the last event of its protocol, `data: [DONE]` for chunks";
        case.holds(ends, self.is_over, &self.text);
        let terminal =
            "the last event is observed as terminal, and why the answer ended as finished";
        let seen = &self.observed;
        case.holds(terminal, seen.terminal && seen.finished, seen);
        let usage = "the observed usage is the one in the answer";
        let is_same = self.usage.is_none() || self.usage == seen.usage;
        case.holds(usage, is_same, (self.usage, seen));
        self.check_words(case, &self.text);
        self
    }

    fn check_words(&self, case: &Case<'_>, text: &str) {
        check_answer(case, text, self.observed.usage);
    }
}

/// The stream of a reply that must be a stream.
pub(super) fn stream_of(case: &Case<'_>, reply: Reply) -> ReplyStream {
    let is_good = reply.status.is_success();
    match reply.body {
        ReplyBody::Stream(events) if is_good => events,
        body => case.broken(
            "a request for a stream is answered with one",
            (reply.status, body),
        ),
    }
}

/// Checks a reply that must be a whole answer.
pub(super) fn check_whole(case: &Case<'_>, reply: Reply) {
    let (bytes, observed) = match reply.body {
        ReplyBody::Full { bytes, observed } if reply.status.is_success() => (bytes, observed),
        body => case.broken(
            "a request without `stream` is answered whole",
            (reply.status, body),
        ),
    };
    let in_protocol = "a reply is in the protocol of the attempt's operation";
    let answered = case.protocol().read_reply(&bytes);
    let answered =
        answered.unwrap_or_else(|error| case.broken(in_protocol, (error.report(), &bytes)));
    let finished = "a whole answer is observed as finished, and without an error";
    let is_finished = observed.finished && observed.error.is_none();
    case.holds(finished, is_finished, &observed);
    let reported = answered.usage.map(|counts| counts.usage);
    let usage = "the observed usage is the one in the answer";
    case.holds(usage, reported == observed.usage, (reported, &observed));
    let text: String = answered
        .output
        .iter()
        .map(|output| match output {
            Output::Text(text) => text.as_str(),
            _ => "",
        })
        .collect();
    check_answer(case, &text, observed.usage);
}

/// Compares with what the upstream sent.
fn check_answer(case: &Case<'_>, text: &str, usage: Option<Usage>) {
    let Some(answers) = case.answers else { return };
    let words = "a reply has the text of the upstream's answer";
    case.holds(words, text == answers.words, text);
    let used = usage.is_some_and(|usage| usage.prompt_tokens > 0 && usage.completion_tokens > 0);
    case.holds("usage in the upstream's answer is observed", used, usage);
}
