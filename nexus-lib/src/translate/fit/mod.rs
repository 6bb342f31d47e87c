//! Adapts a request to its provider before it is written, and converts the answer back.
//!
//! Providers reject what others accept: a call without a result, a tool name with a dot, a forced
//! tool together with a schema. Whatever can be repaired without changing the meaning is repaired
//! here, in the neutral form, for every client protocol and every provider. The writers then find
//! only what their protocol can express.
//!
//! | file | repairs |
//! |---|---|
//! | `history` | calls and results: each call has one result directly after it, ids are unique |
//! | `ids` | characters and length of call ids |
//! | `names` | characters and length of tool names, and back in the answer |
//! | `optional` | optional parameters that a provider or a model is known to reject |
//! | `schemas` | schemas of arguments without `"type": "object"` |
//! | `answer` | workarounds: a forced call, a schema with tools |
//! | `vendor` | finds the vendor by its address |

mod answer;
mod history;
mod ids;
mod names;
mod optional;
mod schemas;
mod vendor;

pub(crate) use vendor::Vendor;

use super::arguments::{self, Streamed};
use super::{Answered, Event, Losses, Output, ProviderProtocol, Request};
use crate::error::Result;

/// The provider that a request is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Destination<'a> {
    /// Its protocol.
    pub(crate) protocol: ProviderProtocol,
    /// Its vendor.
    pub(crate) vendor: Vendor,
    /// The model, by the provider's name.
    pub(crate) model: &'a str,
}

/// Brings `request` into a form that its provider accepts.
///
/// # Errors
/// `InvalidRequest`, naming the parameter, if the meaning would change, or if `losses` allows none.
pub(crate) fn fit(
    request: &mut Request,
    to: Destination<'_>,
    losses: &mut Losses,
) -> Result<Restore> {
    history::mend(&mut request.turns, to);
    optional::leave_out(request, to, losses)?;
    schemas::name_objects(request);
    let answer = answer::arrange(request, to);
    Ok(Restore {
        names: names::fit(request, to.protocol),
        answer,
    })
}

/// Converts an answer back for the client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Restore {
    names: names::Names,
    answer: answer::Answer,
}

impl Restore {
    /// Converts a whole answer.
    pub(crate) fn answered(&self, answered: &mut Answered) {
        self.answer.answered(answered);
        self.names.answered(answered);
        for output in &mut answered.output {
            if let Output::ToolCall(call) = output {
                arguments::tidy(&mut call.arguments);
            }
        }
    }

    /// The converter for a stream.
    pub(crate) fn stream(&self) -> Restoring {
        Restoring {
            names: self.names.clone(),
            answer: answer::Answering::new(self.answer.clone()),
            arguments: Streamed::default(),
        }
    }
}

/// Converts a stream back for the client.
#[derive(Debug)]
pub(crate) struct Restoring {
    names: names::Names,
    answer: answer::Answering,
    arguments: Streamed,
}

impl Restoring {
    /// Converts `events` for the client.
    pub(crate) fn push(&mut self, events: Vec<Event>) -> Vec<Event> {
        let mut events = self.arguments.push(self.answer.push(events));
        self.names.events(&mut events);
        events
    }
}
