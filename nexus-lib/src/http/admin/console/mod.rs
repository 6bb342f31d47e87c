//! The web console: a page that uses the admin API, compiled into the program.
//!
//! Its files are served unchanged from `assets`; nothing is built. The page is plain ES modules
//! with Preact, which renders everything as text nodes: text of a model or a name is never markup.
//! The content security policy in [`serve`] enforces this: scripts, styles and connections only
//! from this server, and nothing inline.

mod files;
mod serve;

pub(super) use files::{Asset, find, paths};
pub(super) use serve::serve;

/// What a client is told that asks for a path without a route.
pub(super) const NO_SUCH_ROUTE: &str =
    "there is no such route; the console is at `/`, and `/openapi.json` describes the routes";
