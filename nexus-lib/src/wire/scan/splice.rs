use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use super::RequestScan;

/// A replacement of some bytes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    /// Empty for an insertion.
    at: Range<usize>,
    text: Cow<'static, str>,
}

impl Edit {
    /// For a body with other members but no `stream_options`.
    pub(super) fn insert_options(body: &[u8]) -> Option<Self> {
        let inside = memchr::memchr(b'{', body)? + 1;
        Some(Self {
            at: inside..inside,
            text: r#""stream_options":{"include_usage":true},"#.into(),
        })
    }

    /// For `stream_options` that are null.
    pub(super) fn replace_options(null: Range<usize>) -> Self {
        Self {
            at: null,
            text: r#"{"include_usage":true}"#.into(),
        }
    }

    /// For `stream_options` without `include_usage`.
    pub(super) fn insert_include_usage(body: &[u8], options: Range<usize>) -> Option<Self> {
        let inside = options.start + 1;
        let first = body
            .get(inside..)?
            .iter()
            .find(|byte| !byte.is_ascii_whitespace());
        let text = match first {
            Some(b'}') => r#""include_usage":true"#,
            _ => r#""include_usage":true,"#,
        };
        Some(Self {
            at: inside..inside,
            text: text.into(),
        })
    }

    /// For an `include_usage` that is false or null.
    pub(super) fn replace_include_usage(value: Range<usize>) -> Self {
        Self {
            at: value,
            text: "true".into(),
        }
    }

    fn model(at: Range<usize>, model: &str, is_form: bool) -> Self {
        let text = match is_form {
            true => model.to_owned(),
            // Writing a string into a growing buffer cannot fail.
            false => serde_json::to_string(model).unwrap_or_default(),
        };
        Self {
            at,
            text: text.into(),
        }
    }
}

impl RequestScan {
    /// The body for the upstream: `body`, which must be the one that was scanned, with `model` as
    /// its model. If `ask_usage` is set and the request asks for a stream, it also has
    /// `stream_options.include_usage`.
    ///
    /// Every other byte stays as it is. Without an edit it is the same allocation; otherwise one
    /// new allocation of the exact size.
    pub fn splice(&self, body: &Bytes, model: Option<&str>, ask_usage: bool) -> Bytes {
        let model = model
            .filter(|model| **model != *self.model)
            .map(|model| Edit::model(self.model_at.clone(), model, self.is_form));
        let usage = self.ask_usage.as_ref().filter(|_| ask_usage && self.stream);
        match (&model, usage) {
            (None, None) => Some(body.clone()),
            (Some(edit), None) | (None, Some(edit)) => apply(body, &[edit]),
            (Some(model), Some(usage)) if model.at.start < usage.at.start => {
                apply(body, &[model, usage])
            }
            (Some(model), Some(usage)) => apply(body, &[usage, model]),
        }
        .unwrap_or_else(|| body.clone())
    }
}

/// `edits` must be in order. `None` if they do not fit this body.
fn apply(body: &[u8], edits: &[&Edit]) -> Option<Bytes> {
    let (removed, added) = edits.iter().fold((0, 0), |(removed, added), edit| {
        (removed + edit.at.len(), added + edit.text.len())
    });
    let mut edited = Vec::with_capacity((body.len() + added).checked_sub(removed)?);
    let mut kept = 0;
    for edit in edits {
        edited.extend_from_slice(body.get(kept..edit.at.start)?);
        edited.extend_from_slice(edit.text.as_bytes());
        kept = edit.at.end;
    }
    edited.extend_from_slice(body.get(kept..)?);
    Some(edited.into())
}
