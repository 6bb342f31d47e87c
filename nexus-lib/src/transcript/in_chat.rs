use bytes::Bytes;

use crate::translate::{BlockKind, ClientProtocol, Event, ProviderProtocol, Reader, Said, Writer};
use crate::wire::Operation;

/// Tells an answer in another of the clients' protocols as a chat completion, of which words are read.
#[derive(Debug)]
pub(crate) struct InChat {
    reader: Reader,
    writer: Writer,
}

impl InChat {
    /// For answers to `operation`; `None` where they are chat completions, or nothing is said in them.
    pub(crate) fn of(operation: Operation) -> Option<Self> {
        let protocol = foreign(operation)?;
        Some(Self {
            reader: ProviderProtocol::from(protocol).reader(),
            writer: ClientProtocol::Chat.writer(&Default::default()),
        })
    }

    /// What `events`, one or more whole ones, say. What cannot be read says nothing.
    pub(crate) fn push(&mut self, events: &[u8]) -> Vec<u8> {
        let told = self.reader.push(events);
        let mut chunks = Vec::new();
        for mut event in told {
            forget_client(&mut event);
            chunks.extend_from_slice(&self.writer.push(event));
        }
        chunks
    }

    /// A whole answer.
    pub(crate) fn whole(operation: Operation, body: &Bytes) -> Bytes {
        let Some(protocol) = foreign(operation) else {
            return body.clone();
        };
        let answered = ProviderProtocol::from(protocol).read_reply(body);
        let told = answered.map(|mut answered| {
            for said in &mut answered.said {
                if let Said::ToolCall(call) = said {
                    call.client = None;
                }
            }
            ClientProtocol::Chat.write_reply(&answered, "")
        });
        told.map(Bytes::from).unwrap_or_default()
    }
}

/// Tools are called as a provider knows them: as they are in the history that the client sends back.
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
