//! Makes a request fit for its provider before it is written, and takes its answer back.
//!
//! Providers refuse what others accept: a call without a result, a tool's name with a dot, a tool that must be
//! called beside a schema. What can be repaired without a change of meaning is repaired here, in the neutral form,
//! so that every client's protocol has it before every provider's. The writers find what they can say.
//!
//! | file | what it sees to |
//! |---|---|
//! | `history` | calls and results: each call has one result right behind it, ids are distinct |
//! | `ids` | the letters and the length of calls' ids |
//! | `names` | the letters and the length of tools' names, and back in the answer |
//! | `optional` | parameters that a provider or a model is known to refuse |
//! | `schemas` | schemas of arguments that do not say that they are an object's |
//! | `answer` | what a provider can do only in another way: a forced call, a schema beside tools |
//! | `vendor` | who serves a protocol, to go by the address |

mod answer;
mod history;
mod ids;
mod names;
mod optional;
mod schemas;
mod vendor;

pub(crate) use vendor::Vendor;

use super::arguments::{self, Streamed};
use super::{Answered, Event, Losses, ProviderProtocol, Request, Said};
use crate::error::Result;

/// Where a request goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Destination<'a> {
    /// What the provider speaks.
    pub(crate) protocol: ProviderProtocol,
    /// Who it is.
    pub(crate) vendor: Vendor,
    /// The model, as the provider calls it.
    pub(crate) model: &'a str,
}

/// Brings `request` into a form that its provider takes.
///
/// # Errors
/// `InvalidRequest`, naming the parameter, for what changes the meaning, or where `losses` allows none.
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

/// What brings an answer back into the client's terms.
#[derive(Debug, Clone, Default)]
pub(crate) struct Restore {
    names: names::Names,
    answer: answer::Answer,
}

impl Restore {
    /// A whole answer, as the client asked for it.
    pub(crate) fn answered(&self, answered: &mut Answered) {
        self.answer.answered(answered);
        self.names.answered(answered);
        for said in &mut answered.said {
            if let Said::ToolCall(call) = said {
                arguments::tidy(&mut call.arguments);
            }
        }
    }

    /// What does the same with a stream.
    pub(crate) fn stream(&self) -> Restoring {
        Restoring {
            names: self.names.clone(),
            answer: answer::Answering::new(self.answer.clone()),
            arguments: Streamed::default(),
        }
    }
}

/// Brings a stream back into the client's terms.
#[derive(Debug)]
pub(crate) struct Restoring {
    names: names::Names,
    answer: answer::Answering,
    arguments: Streamed,
}

impl Restoring {
    /// What `events` are to the client.
    pub(crate) fn push(&mut self, events: Vec<Event>) -> Vec<Event> {
        let mut events = self.arguments.push(self.answer.push(events));
        self.names.events(&mut events);
        events
    }
}
