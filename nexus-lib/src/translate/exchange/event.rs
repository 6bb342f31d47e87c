use std::sync::Arc;

use crate::translate::{ClientTool, Finish, Picture, TokenCounts};

/// A step of a streamed answer, independent of a protocol.
///
/// Events of one block carry its number. Blocks are numbered from 0 in the order in which they
/// begin, and a block's events come between its [`Begin`](Self::Begin) and its [`End`](Self::End).
/// Several blocks may be open.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The answer has started. Always first, and only once.
    Start {
        /// The provider's id of the answer.
        id: String,
        /// The model that answers.
        model: String,
    },
    /// A block has begun.
    Begin {
        /// Its number.
        block: usize,
        /// Its kind.
        kind: BlockKind,
    },
    /// More of a block.
    Delta {
        /// Its number.
        block: usize,
        /// The addition.
        delta: Delta,
    },
    /// A block is complete.
    End {
        /// Its number.
        block: usize,
    },
    /// An image. It comes whole, between blocks or while others are open.
    Picture(Picture),
    /// Why the answer ended.
    Finish(Finish),
    /// The usage so far. The last one counts.
    Usage(TokenCounts),
    /// Keep-alive: the provider is still connected.
    Ping,
    /// The provider reports an error within its answer.
    Error {
        /// The provider's message.
        message: String,
        /// The provider's error type, such as `overloaded_error`.
        kind: Option<String>,
        /// The provider's error code.
        code: Option<String>,
    },
    /// The answer is complete. Always last, and only if the provider's stream ended regularly.
    Done,
}

/// The kind of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlockKind {
    /// Text.
    Text,
    /// A refusal's text.
    Refusal,
    /// Reasoning; encrypted if it comes as a whole instead of as text.
    Reasoning {
        /// See [`Thought::sealed`](super::Thought::sealed).
        sealed: Option<String>,
    },
    /// A call of a tool; its arguments follow.
    ToolCall {
        /// The call's id.
        id: String,
        /// The tool.
        name: String,
        /// See [`ToolCall::signature`](super::ToolCall::signature).
        signature: Option<String>,
        /// See [`ToolCall::client`](super::ToolCall::client).
        client: Option<Arc<ClientTool>>,
    },
}

/// An addition to a block.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delta {
    /// Text of an answer, a refusal or reasoning.
    Text(String),
    /// A piece of the JSON text of a call's arguments.
    Arguments(String),
    /// The signature of the reasoning, or a fragment of it.
    Signature(String),
}
