use serde::Serialize;

use super::reading::Object;

/// `extra_content` of a tool call: Gemini's compatible endpoint puts the thought signature there
/// and requires it back.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct ExtraContent<'a> {
    google: Google<'a>,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Google<'a> {
    thought_signature: &'a str,
}

impl<'a> ExtraContent<'a> {
    pub(crate) fn of(thought_signature: &'a str) -> Self {
        Self {
            google: Google { thought_signature },
        }
    }
}

/// The signature in a call's `extra_content`.
pub(crate) fn signature(call: &Object<'_>) -> Option<String> {
    let extra = call.lenient::<Object<'_>>("extra_content")?;
    let google = extra.lenient::<Object<'_>>("google")?;
    google.lenient("thought_signature")
}
