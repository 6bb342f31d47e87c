use std::borrow::Cow;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The body of every error that the gateway itself returns: `{"error":{…}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct ErrorBody<'a> {
    /// The error.
    #[serde(borrow)]
    pub error: ErrorDetail<'a>,
}

/// The content of an [`ErrorBody`], in OpenAI's shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct ErrorDetail<'a> {
    /// What happened and what to do about it.
    pub message: Cow<'a, str>,
    /// The error's type.
    #[serde(rename = "type")]
    pub kind: Cow<'a, str>,
    /// The parameter at fault.
    pub param: Option<Cow<'a, str>>,
    /// The error's code, for programs.
    pub code: Cow<'a, str>,
}

impl ErrorBody<'_> {
    /// The body as JSON.
    pub fn to_json(&self) -> Bytes {
        // Writing strings into a growing buffer cannot fail.
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

impl<'a> From<&'a Error> for ErrorBody<'a> {
    fn from(error: &'a Error) -> Self {
        Self {
            error: ErrorDetail {
                message: error.to_string().into(),
                kind: error.wire_type().into(),
                param: error.param().map(Cow::from),
                code: error.code().into(),
            },
        }
    }
}
