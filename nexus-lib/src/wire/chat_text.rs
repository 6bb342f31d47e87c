//! Answers of plain text, for custom providers and layers.

use crate::wire::{ChatChunk, ChatCompletion, Choice, ChunkChoice, Delta, Message, Role};
use crate::wire::{RequestId, Timestamp, Usage};

impl ChatCompletion {
    /// The answer of `model` that says `text`, and ends there.
    ///
    /// ```
    /// use nexus_lib::wire::ChatCompletion;
    ///
    /// let completion = ChatCompletion::of_text("shout-1", "HELLO");
    /// assert_eq!(completion.text(), "HELLO");
    /// assert_eq!(completion.choices[0].finish_reason.as_deref(), Some("stop"));
    /// ```
    pub fn of_text(model: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            id: format!("chatcmpl-{}", RequestId::new()),
            object: "chat.completion".to_owned(),
            created: Timestamp::now().as_seconds(),
            model: model.into(),
            choices: vec![Choice {
                message: Message::new(Role::Assistant, text),
                finish_reason: Some("stop".to_owned()),
                ..Choice::default()
            }],
            ..Self::default()
        }
    }

    /// Says what it took.
    #[must_use]
    pub fn with_usage(mut self, usage: Usage) -> Self {
        self.usage = Some(usage.into());
        self
    }
}

impl ChatChunk {
    /// More text of the first answer. [`Reply::chunks`](crate::call::Reply::chunks) fills in the
    /// rest.
    pub fn of_text(text: impl Into<String>) -> Self {
        let delta = Delta {
            content: Some(text.into()),
            ..Delta::default()
        };
        Self {
            choices: vec![ChunkChoice {
                delta,
                ..ChunkChoice::default()
            }],
            ..Self::default()
        }
    }

    /// The end of the first answer, and why: `stop`, or `length`.
    pub fn finished(reason: impl Into<String>) -> Self {
        Self {
            choices: vec![ChunkChoice {
                finish_reason: Some(reason.into()),
                ..ChunkChoice::default()
            }],
            ..Self::default()
        }
    }

    /// What the answer took, on a chunk of its own behind the end.
    pub fn of_usage(usage: Usage) -> Self {
        Self {
            usage: Some(usage.into()),
            ..Self::default()
        }
    }
}

impl Usage {
    /// So many tokens of a prompt and of its answer.
    pub fn of(prompt_tokens: u64, completion_tokens: u64) -> Self {
        Self {
            prompt_tokens,
            completion_tokens,
            total_tokens: prompt_tokens.saturating_add(completion_tokens),
            ..Self::default()
        }
    }
}
