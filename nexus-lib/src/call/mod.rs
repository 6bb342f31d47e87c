//! The stages of a call, as types: what is not of the right type cannot go on.
//!
//! ```text
//! key ─▶ Principal ─▶ Call ─▶ Routed{candidates: Target…} ─▶ Attempt ─▶ Reply ─▶ Metered
//!                                                                         └▶ ClosedCall
//! ```
//!
//! A [`Call`] cannot be made without a [`Principal`], which only the registry hands out; nothing is
//! sent without a [`Target`], which only a registered provider and model make; a [`Reply`] cannot
//! reach a client until the meter has made a [`Metered`] of it. What has ended is a [`ClosedCall`].

mod answer;
mod asides;
mod body;
mod closed;
mod edited;
mod fingerprint;
mod metered;
mod principal;
mod prompt;
mod reply;
mod request;
mod rewritten;
mod scope;
mod spent;
mod target;
mod tried;

pub use crate::wire::Operation;
pub use answer::Asked;
pub use body::RequestBody;
pub use closed::ClosedCall;
pub use metered::{Metered, MeteredBody, MeteredStream};
pub(crate) use principal::Client;
pub use principal::Principal;
pub use prompt::Prompt;
pub use reply::{Observed, Piece, Reply, ReplyBody, ReplyStream};
pub use request::{Attempt, Call, Routed};
pub use scope::Scope;
pub(crate) use spent::Tapped;
pub(crate) use target::{Endpoints, KeyFinder, SHORTEST_KEY};
pub use target::{Grant, ProviderProfile, Target, Upstream};
pub(crate) use tried::Tries;
pub use tried::Try;
