use crate::error::Result;
use crate::translate::reading::{Object, Path};
use crate::translate::{Finish, TokenCounts, ToolCall};
use crate::wire::Usage;

/// The content of an answer's message, or of a line's.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub(super) thinking: String,
    pub(super) content: String,
    pub(super) calls: Vec<ToolCall>,
}

pub(super) fn read(answer: &Object<'_>, at: &Path<'_>) -> Result<Option<Message>> {
    let Some(message) = answer.object("message", at)? else {
        return Ok(None);
    };
    let at = at.key("message");
    let mut read = Message {
        thinking: message.lenient("thinking").unwrap_or_default(),
        content: message.get("content", &at)?.unwrap_or_default(),
        calls: Vec::new(),
    };
    let calls = at.key("tool_calls");
    for (index, call) in message.list("tool_calls", &at)?.into_iter().enumerate() {
        let at = calls.index(index);
        let call = Object::of(call, &at)?;
        let function = call.need_object("function", &at)?;
        read.calls.push(ToolCall {
            id: call.lenient("id").unwrap_or_default(),
            name: function.need("name", &at.key("function"))?,
            arguments: arguments(&function),
            signature: None,
            client: None,
        });
    }
    Ok(Some(read))
}

/// An object; servers that only resemble Ollama send the text of one.
fn arguments(function: &Object<'_>) -> String {
    let text: Option<String> = function.lenient("arguments");
    let raw = || function.raw("arguments").map(|json| json.get().to_owned());
    text.or_else(raw).unwrap_or_else(|| "{}".to_owned())
}

/// Why an answer ended.
pub(super) fn finish(answer: &Object<'_>) -> Finish {
    let reason: Option<String> = answer.lenient("done_reason");
    let finish = reason.and_then(|reason| Finish::of_word(&reason));
    finish.unwrap_or_default()
}

/// The usage in the last line. Older servers report none for a fully cached prompt, and zeros are
/// left out: if one of the two is missing, the usage is unknown.
pub(super) fn usage(answer: &Object<'_>) -> Option<TokenCounts> {
    let prompt_tokens = answer.lenient::<u64>("prompt_eval_count")?;
    let completion_tokens = answer.lenient::<u64>("eval_count")?;
    Some(TokenCounts {
        usage: Usage {
            prompt_tokens,
            completion_tokens,
            total_tokens: prompt_tokens.saturating_add(completion_tokens),
            ..Usage::default()
        },
        cache_write_tokens: 0,
    })
}
