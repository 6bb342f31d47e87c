//! Repairs pass-through requests: removes what the gateway itself added to earlier answers and the
//! provider rejects.
//!
//! A model's reasoning comes back in the history. If it came from another provider, the gateway
//! wrote it for the client, without a signature that the next provider accepts. It is removed;
//! every other byte stays.

use std::ops::Range;

use bytes::Bytes;
use memchr::memmem;
use serde_json::value::RawValue;

use super::fit::Vendor;
use super::reading::{Object, Path};
use super::{Thought, gemini, responses};

/// Removes something from a body; `None` if there is nothing to remove.
pub(crate) type Repair = fn(&Bytes) -> Option<Bytes>;

/// The repair that a Messages request for `model` may need, by a quick check.
pub(crate) fn of_messages(body: &[u8], model: &str) -> Option<Repair> {
    let may_need = memmem::find(body, br#"thinking""#).is_some() && !signs_nothing(model);
    may_need.then_some(without_foreign_thoughts)
}

/// The repair that a chat for `vendor` may need, by a quick check.
pub(crate) fn of_chat(body: &[u8], vendor: Vendor) -> Option<Repair> {
    let may_need = !vendor.takes_thoughts() && memmem::find(body, b"reasoning").is_some();
    may_need.then_some(match vendor {
        Vendor::Cerebras => without_foreign_members,
        _ => without_thoughts,
    })
}

/// Whether a model speaks Anthropic's protocol, accepts its reasoning back and signs none of it.
fn signs_nothing(model: &str) -> bool {
    const OTHERS: [&str; 7] = [
        "deepseek", "kimi", "moonshot", "glm", "minimax", "qwen", "mimo",
    ];
    let has = |part: &&str| {
        let mut parts = model.as_bytes().windows(part.len());
        parts.any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
    };
    OTHERS.iter().any(has)
}

/// Removes reasoning that Anthropic did not sign, and messages that become empty.
fn without_foreign_thoughts(body: &Bytes) -> Option<Bytes> {
    let mut document = Document::new(body);
    let whole = Object::parse(body, &Path::Request).ok()?;
    let messages: Vec<&RawValue> = whole.lenient("messages")?;
    let mut is_empty = vec![false; messages.len()];
    for (message, is_empty) in messages.iter().zip(&mut is_empty) {
        let Some(content) = contents(message) else {
            continue;
        };
        let are_foreign: Vec<bool> = content.iter().map(|block| is_foreign(block)).collect();
        *is_empty = !are_foreign.is_empty() && !are_foreign.contains(&false);
        if !*is_empty {
            document.cut_elements(&content, &are_foreign);
        }
    }
    document.cut_elements(&messages, &is_empty);
    document.without()
}

/// The content blocks of an assistant message.
fn contents(message: &RawValue) -> Option<Vec<&RawValue>> {
    let message = Object::of(message, &Path::Request).ok()?;
    let role: String = message.lenient("role")?;
    message.lenient("content").filter(|_| role == "assistant")
}

fn is_foreign(block: &RawValue) -> bool {
    let Ok(block) = Object::of(block, &Path::Request) else {
        return false;
    };
    let text = |name| block.lenient::<String>(name).unwrap_or_default();
    match text("type").as_str() {
        "thinking" => {
            let signature = text("signature");
            signature.is_empty() || gemini::is_marked(&signature)
        }
        "redacted_thinking" => {
            let sealed = text("data");
            sealed.is_empty() || responses::is_openais_seal(&sealed)
        }
        _ => false,
    }
}

/// The same of reasoning that was read already.
pub(crate) fn is_foreign_thought(thought: &Thought) -> bool {
    match &thought.sealed {
        Some(sealed) => sealed.is_empty() || responses::is_openais_seal(sealed),
        None => {
            let signature = thought.signature.as_deref().unwrap_or_default();
            signature.is_empty() || gemini::is_marked(signature)
        }
    }
}

/// The fields that the gateway's answers have in addition to OpenAI's.
const FOREIGN_MEMBERS: [&str; 2] = ["reasoning_content", "reasoning_details"];

fn without_foreign_members(body: &Bytes) -> Option<Bytes> {
    without_members(body, &FOREIGN_MEMBERS)
}

fn without_thoughts(body: &Bytes) -> Option<Bytes> {
    without_members(body, &[FOREIGN_MEMBERS[0], FOREIGN_MEMBERS[1], "reasoning"])
}

/// Removes the members `names` from its messages.
fn without_members(body: &Bytes, names: &[&str]) -> Option<Bytes> {
    let mut document = Document::new(body);
    let whole = Object::parse(body, &Path::Request).ok()?;
    let messages: Vec<&RawValue> = whole.lenient("messages")?;
    for message in messages {
        document.cut_members(message, names);
    }
    document.without()
}

/// A text, and the ranges to be removed from it.
struct Document<'a> {
    body: &'a Bytes,
    cuts: Vec<Range<usize>>,
}

impl<'a> Document<'a> {
    fn new(body: &'a Bytes) -> Self {
        Self {
            body,
            cuts: Vec::new(),
        }
    }

    /// The position of `json`, a part of the text.
    fn place(&self, json: &RawValue) -> Range<usize> {
        let start = json.get().as_ptr() as usize - self.body.as_ptr() as usize;
        start..start + json.get().len()
    }

    /// Removes the elements of a list that are marked as gone.
    fn cut_elements(&mut self, list: &[&RawValue], are_gone: &[bool]) {
        let mut is_first = true;
        for (index, (json, is_gone)) in list.iter().zip(are_gone).enumerate() {
            let place = self.place(json);
            let is_leading = is_first;
            is_first &= is_gone;
            if !is_gone {
                continue;
            }
            let next = list.get(index + 1).map(|next| self.place(next).start);
            let before = index.checked_sub(1).and_then(|before| list.get(before));
            let before = before.map(|before| self.place(before).end);
            self.cuts.push(match (is_leading, next, before) {
                // Including the comma after it, or the one before it.
                (true, Some(next), _) => place.start..next,
                (false, _, Some(before)) => before..place.end,
                _ => place,
            });
        }
    }

    /// Removes the members of an object whose names are in `names`.
    fn cut_members(&mut self, object: &'a RawValue, names: &[&str]) {
        let Ok(members) = Object::of(object, &Path::Request) else {
            return;
        };
        let mut begin = self.place(object).start + 1;
        let mut is_first = true;
        for (name, json) in members.all() {
            let end = self.place(json).end;
            let is_gone = names.contains(&name.as_str());
            let is_leading = is_first;
            is_first &= is_gone;
            let mut cut = begin..end;
            if is_leading && is_gone {
                let behind = self.body.get(end..).unwrap_or_default();
                let comma = behind.iter().position(|byte| !byte.is_ascii_whitespace());
                if let Some(at) = comma.filter(|&at| behind.get(at) == Some(&b',')) {
                    cut.end = end + at + 1;
                }
            }
            begin = cut.end;
            if is_gone {
                self.cuts.push(cut);
            }
        }
    }

    /// The remaining text; `None` if nothing was removed.
    fn without(mut self) -> Option<Bytes> {
        if self.cuts.is_empty() {
            return None;
        }
        self.cuts.sort_unstable_by_key(|cut| cut.start);
        let mut left = Vec::with_capacity(self.body.len());
        let mut at = 0;
        for cut in self.cuts {
            left.extend_from_slice(self.body.get(at..cut.start).unwrap_or_default());
            at = at.max(cut.end);
        }
        left.extend_from_slice(self.body.get(at..).unwrap_or_default());
        Some(left.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repaired(repair: Repair, body: &str) -> Option<String> {
        let left = repair(&Bytes::copy_from_slice(body.as_bytes()));
        left.map(|left| String::from_utf8(left.to_vec()).unwrap())
    }

    #[test]
    fn codex2api_613_thoughts_that_the_gateway_made_are_cut_out_and_no_other_byte() {
        let own = r#"{"type":"thinking","thinking":"t","signature":"EqQB"}"#;
        let made = r#"{"type": "thinking", "thinking": "t", "signature" : ""}"#;
        let geminis = r#"{"type":"thinking","thinking":"","signature":"gemini:Ciq"}"#;
        let openais = r#"{"type":"redacted_thinking","data":"gAAAAABo"}"#;
        let text = r#"{ "type":"text","text":"\u0041 signature\":\"\"" }"#;
        let body = |content: &str| {
            format!(
                r#"{{"model":"m", "messages" : [ {{"role":"user","content":"hi"}} ,{content} ,{{"role":"user","content":"x"}}], "n":1.0}}"#
            )
        };
        let output = |blocks: &str| format!(r#"{{"role":"assistant","content":[ {blocks} ]}}"#);
        let table = [
            (format!("{made} , {text}"), text.to_owned()),
            (format!("{text},{made}"), text.to_owned()),
            (
                format!("{made},{geminis},{text} ,{openais}, {own}"),
                format!("{text}, {own}"),
            ),
            (format!("{own} ,{made},{text}"), format!("{own},{text}")),
        ];
        for (before, after) in table {
            let left = repaired(without_foreign_thoughts, &body(&output(&before)));
            assert_eq!(left, Some(body(&output(&after))), "{before}");
        }
        // A message that becomes empty is removed.
        let left = repaired(without_foreign_thoughts, &body(&output(made))).unwrap();
        assert_eq!(left, body("").replace(" ,, ", "").replace("} , ,{", "} ,{"));
        for kept in [own, text] {
            assert_eq!(
                repaired(without_foreign_thoughts, &body(&output(kept))),
                None
            );
        }
    }

    #[test]
    fn members_are_cut_wherever_they_stand() {
        let body = |members: &str| format!(r#"{{"messages": [{{ {members} }}], "reasoning": 1}}"#);
        let table = [
            (
                r#""reasoning_content":"x", "role": "assistant""#,
                r#" "role": "assistant""#,
            ),
            (
                r#""role": "assistant" , "reasoning_content" : null"#,
                r#""role": "assistant""#,
            ),
            (
                r#""reasoning_details":[{"a":","}],"reasoning_content":"x" ,"role":"a""#,
                r#""role":"a""#,
            ),
            (r#""a":1,"reasoning_content":"x","b":2"#, r#""a":1,"b":2"#),
            (r#""reasoning_content":"x""#, ""),
        ];
        for (before, after) in table {
            let left = repaired(without_foreign_members, &body(before)).unwrap();
            let (left, after) = (left.replace(' ', ""), body(after).replace(' ', ""));
            assert_eq!(left, after, "{before}");
            serde_json::from_str::<serde_json::Value>(&left).unwrap();
        }
        assert_eq!(
            repaired(without_foreign_members, &body(r#""reasoning":"x""#)),
            None
        );
        assert_eq!(
            repaired(without_thoughts, &body(r#""reasoning":"x""#)),
            Some(body("").replace("{  }", "{ }"))
        );
    }
}
