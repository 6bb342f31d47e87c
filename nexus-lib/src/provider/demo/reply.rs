use crate::wire::{
    ChatChunk, ChatCompletion, ChatRequest, Choice, ChunkChoice, Delta, Message, RequestId, Role,
    Timestamp, Usage, UsageReport,
};

/// The model's answer, before it is written as one completion or as many chunks.
pub(super) struct EchoReply {
    id: String,
    model: String,
    created: i64,
    text: String,
    pub(super) usage: UsageReport,
}

impl EchoReply {
    pub(super) fn to(request: &ChatRequest, model: &str, at: Timestamp) -> Self {
        let heard = request
            .messages
            .iter()
            .rev()
            .find(|message| message.role == Role::User);
        let text = match heard.map(Message::text) {
            Some(text) if !text.trim().is_empty() => format!("You said: {}", text.trim()),
            _ => "You said nothing; this model only echoes what it receives.".to_owned(),
        };
        let prompt_tokens = request
            .messages
            .iter()
            .map(|message| tokens(&message.text()))
            .sum();
        let completion_tokens = tokens(&text);
        let usage = Usage {
            prompt_tokens,
            completion_tokens,
            total_tokens: prompt_tokens + completion_tokens,
            ..Usage::default()
        };
        Self {
            id: format!("chatcmpl-{}", RequestId::new()),
            model: model.to_owned(),
            created: at.as_seconds(),
            text,
            usage: usage.into(),
        }
    }

    pub(super) fn completion(&self) -> ChatCompletion {
        ChatCompletion {
            id: self.id.clone(),
            object: "chat.completion".to_owned(),
            created: self.created,
            model: self.model.clone(),
            choices: vec![Choice {
                message: Message::new(Role::Assistant, self.text.clone()),
                finish_reason: Some("stop".to_owned()),
                ..Choice::default()
            }],
            usage: Some(self.usage),
            ..ChatCompletion::default()
        }
    }

    /// The chunks of the answer, including the one with the finish reason.
    pub(super) fn chunks(&self) -> impl Iterator<Item = ChatChunk> {
        let role = Delta {
            role: Some(Role::Assistant),
            ..text_delta("")
        };
        let words = self
            .text
            .split_inclusive(' ')
            .map(|word| self.chunk(text_delta(word), None));
        std::iter::once(self.chunk(role, None))
            .chain(words)
            .chain(std::iter::once(self.chunk(Delta::default(), Some("stop"))))
    }

    pub(super) fn usage_chunk(&self) -> ChatChunk {
        ChatChunk {
            choices: Vec::new(),
            usage: Some(self.usage),
            ..self.frame()
        }
    }

    fn chunk(&self, delta: Delta, finish_reason: Option<&str>) -> ChatChunk {
        let finish_reason = finish_reason.map(str::to_owned);
        let choice = ChunkChoice {
            delta,
            finish_reason,
            ..ChunkChoice::default()
        };
        ChatChunk {
            choices: vec![choice],
            ..self.frame()
        }
    }

    fn frame(&self) -> ChatChunk {
        ChatChunk {
            id: self.id.clone(),
            object: "chat.completion.chunk".to_owned(),
            created: self.created,
            model: self.model.clone(),
            ..ChatChunk::default()
        }
    }
}

fn text_delta(text: &str) -> Delta {
    Delta {
        content: Some(text.to_owned()),
        ..Delta::default()
    }
}

/// This model's tokens are words; a long word counts once for each twelve characters.
fn tokens(text: &str) -> u64 {
    text.split_whitespace()
        .map(|word| u64::try_from(word.chars().count().div_ceil(12)).unwrap_or(u64::MAX))
        .sum()
}
