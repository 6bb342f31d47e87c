//! Chats that an operator has from the admin port: a test of one provider, and the playground.
//!
//! They go through the same stack as those of clients, so they are routed, metered and on the
//! ledger alike. The operator is nobody's client: every enabled provider may answer, and no key's
//! sums have its calls.

mod playground;
mod probe;

pub(super) use playground::{Input as PlaygroundInput, stream};
pub(super) use probe::{Input as TestInput, Outcome as TestOutcome, test};

use crate::intake::{AnyStack, Intake};

/// Where the operator's chats are made.
pub(crate) type Chats = Intake<AnyStack>;
