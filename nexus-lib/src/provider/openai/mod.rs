//! OpenAI's chat completions, and every server that imitates them.

mod observe;

pub(crate) use observe::{ChunkObserver, observe_completion};
