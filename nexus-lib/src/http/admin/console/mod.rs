//! The web console: a page that drives the admin API, compiled into the program.
//!
//! Its files are served as they lie in `assets`; nothing is built. The page is plain ES modules with Preact,
//! which makes text nodes of all that is shown: what a model or a name says is never markup. The policy in
//! [`serve`] holds a browser to that: scripts, styles and connections of this server's own, and nothing
//! inline.

mod files;
mod serve;

pub(super) use files::{Asset, find, paths};
pub(super) use serve::serve;
