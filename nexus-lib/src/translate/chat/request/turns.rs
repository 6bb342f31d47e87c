use std::borrow::Borrow;

use serde::Serialize;

use super::part::{self, Part, Parts};
use crate::error::Result;
use crate::translate::chat::assistant;
use crate::translate::reading::Path;
use crate::translate::{Losses, Output, ToolResult, Turn};

/// One message in its JSON form.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Message<'a> {
    Given {
        role: &'static str,
        content: Parts<'a>,
    },
    Output(assistant::Message<'a>),
    Tool {
        role: &'static str,
        tool_call_id: &'a str,
        content: Parts<'a>,
    },
}

/// The messages for `turns`.
pub(super) fn write<'a, T: Borrow<Turn>>(
    turns: &'a [T],
    is_openais: bool,
    losses: &mut Losses,
) -> Result<Vec<Message<'a>>> {
    let mut messages = Vec::with_capacity(turns.len());
    // Tool results other than text. They are sent as a user message, after all results of one turn.
    let mut pictures = Vec::new();
    let at = Path::Request.key("messages");
    for (index, turn) in turns.iter().map(Borrow::borrow).enumerate() {
        let at = at.index(index);
        if !matches!(turn, Turn::Tool(_) | Turn::User(_)) {
            show(&mut pictures, &mut messages);
        }
        let message = match turn {
            Turn::System(parts) => {
                let parts = instructions(part::write_all(parts, &at, losses)?, &at)?;
                // Many servers accept only one system message, and only at the start.
                if let Some(Message::Given {
                    role: "system",
                    content,
                }) = messages.last_mut()
                {
                    content.0.extend(parts);
                    continue;
                }
                Message::Given {
                    role: "system",
                    content: Parts(parts),
                }
            }
            Turn::User(parts) => {
                let mut content = std::mem::take(&mut pictures);
                content.extend(part::write_all(parts, &at, losses)?);
                Message::Given {
                    role: "user",
                    content: Parts(content),
                }
            }
            Turn::Assistant(output) => {
                let has_drawn = output
                    .iter()
                    .any(|output| matches!(output, Output::Picture(_)));
                if is_openais && has_drawn {
                    return Err(Losses::refusal(&at.key("images").to_string()));
                }
                Message::Output(assistant::Message::of_request(output, is_openais))
            }
            Turn::Tool(result) => tool(result, &at, &mut pictures, losses)?,
        };
        messages.push(message);
    }
    show(&mut pictures, &mut messages);
    if !is_openais {
        messages.iter_mut().for_each(Message::join);
    }
    Ok(messages)
}

impl Message<'_> {
    /// Joins texts: many compatible servers do not accept a list of them.
    fn join(&mut self) {
        if let Self::Given { content, .. } | Self::Tool { content, .. } = self {
            content.join();
        }
    }
}

fn show<'a>(pictures: &mut Vec<Part<'a>>, messages: &mut Vec<Message<'a>>) {
    if !pictures.is_empty() {
        messages.push(Message::Given {
            role: "user",
            content: Parts(std::mem::take(pictures)),
        });
    }
}

fn instructions<'a>(parts: Vec<Part<'a>>, at: &Path<'_>) -> Result<Vec<Part<'a>>> {
    let other = parts
        .iter()
        .position(|part| !matches!(part, Part::Text { .. }));
    match other {
        Some(index) => Err(Losses::refusal(&at.key("content").index(index).to_string())),
        None => Ok(parts),
    }
}

fn tool<'a>(
    result: &'a ToolResult,
    at: &Path<'_>,
    pictures: &mut Vec<Part<'a>>,
    losses: &mut Losses,
) -> Result<Message<'a>> {
    if result.is_error {
        losses.drop_param("is_error")?;
    }
    if result.cache.is_some() {
        losses.drop_param("cache_control")?;
    }
    let parts = part::write_all(&result.parts, at, losses)?.into_iter();
    let (texts, others) = parts.partition(|part| matches!(part, Part::Text { .. }));
    pictures.extend::<Vec<_>>(others);
    Ok(Message::Tool {
        role: "tool",
        tool_call_id: &result.call_id,
        content: Parts(texts),
    })
}
