use std::sync::Arc;

use crate::translate::{ClientTool, Finish, Picture, TokenCounts};

/// A step of a streamed answer, in no protocol's words.
///
/// Pieces of one block carry its number. Blocks are numbered from 0 in the order in which they began, and
/// a block's pieces come between its [`Begin`](Self::Begin) and its [`End`](Self::End). Blocks may be open
/// side by side.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The answer has begun. Comes first, and once.
    Start {
        /// The provider's id for it.
        id: String,
        /// The model that answers.
        model: String,
    },
    /// A block has begun.
    Begin {
        /// Its number.
        block: usize,
        /// What it is.
        kind: BlockKind,
    },
    /// More of a block.
    Delta {
        /// Its number.
        block: usize,
        /// What is added.
        delta: Delta,
    },
    /// A block is whole.
    End {
        /// Its number.
        block: usize,
    },
    /// A picture. It comes whole, between blocks or beside open ones.
    Picture(Picture),
    /// Why the answer ended.
    Finish(Finish),
    /// What it took so far. The last one counts.
    Usage(TokenCounts),
    /// Nothing new: the provider is still there.
    Ping,
    /// The provider reports an error in the middle of its answer.
    Error {
        /// In the provider's words.
        message: String,
        /// As the provider calls its kind, such as `overloaded_error`.
        kind: Option<String>,
        /// As the provider calls it more closely.
        code: Option<String>,
    },
    /// The answer is over. Comes last, and only where the provider's stream came to its own end.
    Done,
}

/// What a block is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockKind {
    /// Text.
    Text,
    /// A refusal's text.
    Refusal,
    /// A thought; sealed, if it comes as a whole and not as text.
    Reasoning {
        /// See [`Thought::sealed`](super::Thought::sealed).
        sealed: Option<String>,
    },
    /// A call of a tool; its arguments follow.
    ToolCall {
        /// Names the call.
        id: String,
        /// The tool.
        name: String,
        /// See [`ToolCall::signature`](super::ToolCall::signature).
        signature: Option<String>,
        /// See [`ToolCall::client`](super::ToolCall::client).
        client: Option<Arc<ClientTool>>,
    },
}

/// What is added to a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delta {
    /// Text: of an answer, a refusal or a thought.
    Text(String),
    /// A piece of the JSON text of a call's arguments.
    Arguments(String),
    /// A thought's signature, or a piece of it.
    Signature(String),
}
