use std::fmt;
use std::sync::Arc;

use super::{Answer, RecordedRequest};

/// How a [`FakeUpstream`](super::FakeUpstream) answers: decided for each request.
#[derive(Clone)]
pub struct Script(Arc<dyn Fn(&RecordedRequest) -> Answer + Send + Sync>);

impl Script {
    /// The same answer to every request.
    pub fn always(answer: Answer) -> Self {
        Self::by(move |_| answer.clone())
    }

    /// One answer after the other, in the order of the requests; 599 to further ones.
    pub fn each(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers: Vec<_> = answers.into_iter().collect();
        Self::by(move |request| match answers.get(request.index) {
            Some(answer) => answer.clone(),
            None => Answer::json(599, r#"{"error":{"message":"the script is over"}}"#),
        })
    }

    /// The answer that `decide` returns for each request.
    pub fn by(decide: impl Fn(&RecordedRequest) -> Answer + Send + Sync + 'static) -> Self {
        Self(Arc::new(decide))
    }

    pub(super) fn answer(&self, request: &RecordedRequest) -> Answer {
        (self.0)(request)
    }
}

impl From<Answer> for Script {
    fn from(answer: Answer) -> Self {
        Self::always(answer)
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script(…)")
    }
}
