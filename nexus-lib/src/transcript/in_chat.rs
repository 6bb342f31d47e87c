use bytes::Bytes;

use crate::translate::{ClientProtocol, ProviderProtocol, Reader, Writer};
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
        let told = self.reader.push(events).unwrap_or_default();
        let mut chunks = Vec::new();
        for event in told {
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
        let told = answered.map(|answered| ClientProtocol::Chat.write_reply(&answered, ""));
        told.map(Bytes::from).unwrap_or_default()
    }
}

fn foreign(operation: Operation) -> Option<ClientProtocol> {
    ClientProtocol::of(operation).filter(|protocol| *protocol != ClientProtocol::Chat)
}
