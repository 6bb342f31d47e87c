use crate::error::{Error, ErrorKind, Result};

/// What of a request cannot be told in another protocol.
///
/// What would change the answer's meaning is refused. What is a hint is left out, and named to the client;
/// a strict gateway refuses that, too.
#[derive(Debug, Default)]
pub struct Losses {
    is_strict: bool,
    dropped: Vec<String>,
}

impl Losses {
    /// None so far.
    pub fn new(is_strict: bool) -> Self {
        Self {
            is_strict,
            dropped: Vec::new(),
        }
    }

    /// Leaves out `param`, a hint.
    ///
    /// # Errors
    /// `InvalidRequest` naming it, where losses are not allowed.
    pub fn drop_hint(&mut self, param: &str) -> Result<()> {
        if self.is_strict {
            return Err(Self::refusal(param));
        }
        if !self.dropped.iter().any(|dropped| dropped == param) {
            self.dropped.push(param.to_owned());
        }
        Ok(())
    }

    /// The error for `param`, which changes the meaning.
    pub fn refusal(param: &str) -> Error {
        Error::new(
            ErrorKind::InvalidRequest,
            format!("`{param}` cannot be expressed to the provider of this model; leave it out"),
        )
        .with_param(param.to_owned())
    }

    /// The hints that were left out, in order, each once.
    pub fn dropped(&self) -> &[String] {
        &self.dropped
    }
}
