use bytes::Bytes;

use crate::translate::{
    BlockKind, ClientProtocol, Event, Output, ProviderProtocol, Reader, Writer,
};
use crate::wire::Operation;

/// Converts an answer in another client protocol to a chat completion, from which the text is read.
#[derive(Debug)]
pub(crate) struct InChat {
    reader: Reader,
    writer: Writer,
}

impl InChat {
    /// For answers to `operation`; `None` if they are chat completions already, or contain no text.
    pub(crate) fn of(operation: Operation) -> Option<Self> {
        let protocol = foreign(operation)?;
        Some(Self {
            reader: ProviderProtocol::from(protocol).reader(),
            writer: ClientProtocol::Chat.writer(&Default::default()),
        })
    }

    /// The content of `events`, one or more whole events. Malformed input is ignored.
    pub(crate) fn push(&mut self, events: &[u8]) -> Vec<u8> {
        let events = self.reader.push(events);
        let mut chunks = Vec::new();
        for mut event in events {
            forget_client(&mut event);
            chunks.extend_from_slice(&self.writer.push(event));
        }
        chunks
    }

    /// Converts a whole answer.
    pub(crate) fn whole(operation: Operation, body: &Bytes) -> Bytes {
        let Some(protocol) = foreign(operation) else {
            return body.clone();
        };
        let answered = ProviderProtocol::from(protocol).read_reply(body);
        let events = answered.map(|mut answered| {
            for output in &mut answered.output {
                if let Output::ToolCall(call) = output {
                    call.client = None;
                }
            }
            ClientProtocol::Chat.write_reply(&answered, "")
        });
        events.map(Bytes::from).unwrap_or_default()
    }
}

/// Uses the provider's names of tools, as in the history that the client sends back.
fn forget_client(event: &mut Event) {
    if let Event::Begin {
        kind: BlockKind::ToolCall { client, .. },
        ..
    } = event
    {
        *client = None;
    }
}

fn foreign(operation: Operation) -> Option<ClientProtocol> {
    ClientProtocol::of(operation).filter(|protocol| *protocol != ClientProtocol::Chat)
}
