use std::fmt;

/// What a client asks for: a route of the LLM port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// `POST /v1/chat/completions`.
    ChatCompletion,
    /// `POST /v1/messages`: Anthropic's API.
    Message,
    /// `POST /v1/messages/count_tokens`.
    TokenCount,
    /// `POST /v1/responses`: OpenAI's newer API.
    Response,
    /// `POST /v1/completions`: text in, text out.
    Completion,
    /// `POST /v1/embeddings`.
    Embedding,
    /// `POST /v1/images/generations`.
    ImageGeneration,
    /// `POST /v1/audio/speech`: the answer is audio.
    Speech,
    /// `POST /v1/audio/transcriptions`: the request is a form with a file.
    Transcription,
    /// `POST /v1/moderations`.
    Moderation,
    /// `POST /v1/rerank`.
    Rerank,
}

impl Operation {
    /// All operations, in order.
    pub const ALL: [Self; 11] = [
        Self::ChatCompletion,
        Self::Message,
        Self::TokenCount,
        Self::Response,
        Self::Completion,
        Self::Embedding,
        Self::ImageGeneration,
        Self::Speech,
        Self::Transcription,
        Self::Moderation,
        Self::Rerank,
    ];

    /// The operation's name on the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChatCompletion => "chat.completion",
            Self::Message => "message",
            Self::TokenCount => "message.count_tokens",
            Self::Response => "response",
            Self::Completion => "completion",
            Self::Embedding => "embedding",
            Self::ImageGeneration => "image.generation",
            Self::Speech => "audio.speech",
            Self::Transcription => "audio.transcription",
            Self::Moderation => "moderation",
            Self::Rerank => "rerank",
        }
    }

    /// Its path after the version, here and at a provider with the same protocol.
    pub const fn path(self) -> &'static str {
        match self {
            Self::ChatCompletion => "/chat/completions",
            Self::Message => "/messages",
            Self::TokenCount => "/messages/count_tokens",
            Self::Response => "/responses",
            Self::Completion => "/completions",
            Self::Embedding => "/embeddings",
            Self::ImageGeneration => "/images/generations",
            Self::Speech => "/audio/speech",
            Self::Transcription => "/audio/transcriptions",
            Self::Moderation => "/moderations",
            Self::Rerank => "/rerank",
        }
    }

    /// The operation at `path`, if there is one.
    pub fn at(path: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operation| operation.path() == path)
    }

    /// Whether this is a chat: messages in, a message out. Only chats can be translated to another
    /// protocol, continued, archived, and counted here when the provider reports no usage.
    pub const fn is_chat(self) -> bool {
        matches!(self, Self::ChatCompletion | Self::Message | Self::Response)
    }

    /// Whether its streams request usage with `stream_options`, and end with `[DONE]`.
    pub const fn has_stream_options(self) -> bool {
        matches!(self, Self::ChatCompletion | Self::Completion)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_place_and_a_path_of_its_own() {
        for (place, operation) in Operation::ALL.into_iter().enumerate() {
            assert_eq!(operation as usize, place);
            assert_eq!(Operation::at(operation.path()), Some(operation));
        }
        assert_eq!(Operation::at("/chat"), None);
    }
}
