use std::borrow::Cow;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The body of every error that the gateway itself makes: `{"error":{…}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorBody<'a> {
    /// The error.
    #[serde(borrow)]
    pub error: ErrorDetail<'a>,
}

/// The inside of an [`ErrorBody`], as OpenAI's API has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorDetail<'a> {
    /// What to do about it.
    pub message: Cow<'a, str>,
    /// The family of the error.
    #[serde(rename = "type")]
    pub kind: Cow<'a, str>,
    /// The field at fault.
    pub param: Option<Cow<'a, str>>,
    /// The error, for programs.
    pub code: Cow<'a, str>,
}

impl ErrorBody<'_> {
    /// The body as JSON.
    pub fn to_json(&self) -> Bytes {
        // Strings into a growing buffer: there is nothing that could fail.
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
