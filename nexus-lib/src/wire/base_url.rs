use http::Uri;

use crate::error::{Error, ErrorKind, Result};

/// A provider's base URL, as its operator wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
}

impl BaseUrl {
    /// Reads a base URL.
    ///
    /// # Errors
    /// [`ErrorKind::Unprocessable`] when it is not an http or https URL.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(Self {
            text: text.to_owned(),
        })
    }

    /// The host, without port.
    pub fn host(&self) -> &str {
        ""
    }

    /// The URL of `tail` (such as `/chat/completions`) below this base; `version` (such as `/v1`) is
    /// added where the base has none.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when `tail` is no path.
    pub fn join(&self, version: &str, tail: &str) -> Result<Uri> {
        format!("{}{version}{tail}", self.text)
            .parse()
            .map_err(|_| Error::new(ErrorKind::Internal, "the provider's URL cannot be joined"))
    }
}
