//! Chats that an operator has from the admin port: a test of one provider, and the playground.
//!
//! They go through the same stack as those of clients, so they are routed, metered and on the ledger
//! alike. An operator needs no client's key: the registry finds whom a provider's key stands for, and
//! the request chooses nothing but that provider and the model.

mod playground;
mod probe;
mod stack;

pub(super) use playground::{Input as PlaygroundInput, stream};
pub(super) use probe::{Input as TestInput, Outcome as TestOutcome, test};
pub(crate) use stack::Chats;
