use std::sync::LazyLock;

use memchr::memmem::{self, Finder};
use xxhash_rust::xxh3::xxh3_128;

use super::{Prefix, Prefixes, arguments, text};
use crate::wire::json::{Cursor, Escapes, SyntaxError, members};

/// Kinds of fields, so that equal texts in different places have different prints.
const ROLE: u64 = 1;
const TEXT: u64 = 2;
const PART: u64 = 3;
const REFUSAL: u64 = 4;
const NAME: u64 = 5;
const ANSWERS_CALL: u64 = 6;
const CALL_ID: u64 = 7;
const CALL_NAME: u64 = 8;
const CALL_ARGUMENTS: u64 = 9;
const OTHER: u64 = 10;

const ASSISTANT: &[u8] = b"assistant";

/// The field number `index` of its kind.
fn nth(field: u64, index: u64) -> u64 {
    field | index << 8
}

/// The fingerprint of one message: the sum of its fields' prints, so their order does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct MessagePrint(u128);

impl MessagePrint {
    /// An assistant message without content yet.
    pub(crate) fn of_assistant() -> Self {
        Self::default().by(ASSISTANT)
    }

    /// Adds the text, a JSON string without its quotes; an empty one changes nothing.
    pub(crate) fn add_content(&mut self, raw: &[u8]) {
        self.add(TEXT, (raw, Escapes::Other));
    }

    /// Adds the text of a refusal, in the same form.
    pub(crate) fn add_refusal(&mut self, raw: &[u8]) {
        self.add(REFUSAL, (raw, Escapes::Other));
    }

    /// Adds tool call number `index`, in the same form.
    pub(crate) fn add_tool_call(&mut self, index: u64, id: &[u8], name: &[u8], arguments: &[u8]) {
        self.add(nth(CALL_ID, index), (id, Escapes::Other));
        self.add(nth(CALL_NAME, index), (name, Escapes::Other));
        self.add_arguments(index, (arguments, Escapes::Other));
    }

    pub(super) fn bits(self) -> u128 {
        self.0
    }

    fn by(mut self, role: &[u8]) -> Self {
        self.add(ROLE, (role, Escapes::None));
        self
    }

    fn add(&mut self, field: u64, (raw, escapes): (&[u8], Escapes)) {
        if !raw.is_empty() {
            self.0 = self.0.wrapping_add(text::print(field, raw, escapes));
        }
    }

    /// Adds a call's arguments. Missing arguments equal empty ones.
    fn add_arguments(&mut self, index: u64, (raw, escapes): (&[u8], Escapes)) {
        let print = arguments::print(nth(CALL_ARGUMENTS, index), raw, escapes);
        self.0 = self.0.wrapping_add(print);
    }

    fn add_bytes(&mut self, field: u64, bytes: &[u8]) {
        self.add(field, (bytes, Escapes::None));
    }

    /// Reads the message at `cursor` in `json`: its content and its role.
    fn read<'a>(json: &'a [u8], cursor: &mut Cursor<'a>) -> Result<(Self, &'a [u8]), SyntaxError> {
        let mut print = Self::default();
        let mut role = &b""[..];
        if cursor.peek() != Some(b'{') {
            print.add_bytes(OTHER, &json[cursor.skip()?]);
            return Ok((print, role));
        }
        cursor.object(|key, cursor| {
            match (&*key, cursor.peek()) {
                (b"role", _) => (role, _) = cursor.raw_string()?,
                (b"content", _) => print.read_content(json, cursor)?,
                (b"refusal", _) => print.add(REFUSAL, cursor.raw_string()?),
                (b"name", _) => print.add(NAME, cursor.raw_string()?),
                (b"tool_call_id", _) => print.add(ANSWERS_CALL, cursor.raw_string()?),
                (b"tool_calls", Some(b'[')) => {
                    let mut index = 0;
                    cursor.array(|cursor| {
                        index += 1;
                        print.read_call(index - 1, cursor)
                    })?;
                }
                (b"function_call", Some(b'{')) => print.read_function(0, cursor)?,
                _ => {
                    cursor.skip()?;
                }
            }
            Ok(())
        })?;
        Ok((print, role))
    }

    fn read_content<'a>(
        &mut self,
        json: &'a [u8],
        cursor: &mut Cursor<'a>,
    ) -> Result<(), SyntaxError> {
        if cursor.peek() != Some(b'[') {
            self.add(TEXT, cursor.raw_string()?);
            return Ok(());
        }
        let mut index = 0;
        cursor.array(|cursor| {
            let start = cursor.position();
            let mut text = None;
            if cursor.peek() == Some(b'{') {
                let mut is_text = false;
                cursor.object(|key, cursor| {
                    match &*key {
                        b"type" => is_text = cursor.raw_string()?.0 == b"text",
                        b"text" => text = Some(cursor.raw_string()?),
                        _ => {
                            cursor.skip()?;
                        }
                    }
                    Ok(())
                })?;
                text = text.filter(|_| is_text);
            } else {
                cursor.skip()?;
            }
            match text {
                // Empty: clients may leave it out or add it.
                Some((b"", _)) => return Ok(()),
                Some(text) => self.add(nth(TEXT, index), text),
                None => self.add_part(nth(PART, index), &json[start..cursor.position()]),
            }
            index += 1;
            Ok(())
        })
    }

    /// Adds a part that is not text. Cache marks are skipped: they move with each request.
    fn add_part(&mut self, field: u64, part: &[u8]) {
        const CACHE: &[u8] = b"\"cache_control\"";
        if memmem::find(part, CACHE).is_none() {
            return self.add_bytes(field, part);
        }
        let mut print = 0;
        let read = members(part, |name, value| {
            if name != "cache_control" {
                let value = part.get(value).unwrap_or_default();
                let named = xxh3_128(&[name.as_bytes(), b":", value].concat());
                print = named.wrapping_add(print);
            }
        });
        match read {
            Ok(()) => self.add_bytes(field, &print.to_le_bytes()),
            Err(_) => self.add_bytes(field, part),
        }
    }

    fn read_call(&mut self, index: u64, cursor: &mut Cursor<'_>) -> Result<(), SyntaxError> {
        if cursor.peek() != Some(b'{') {
            return cursor.skip().map(drop);
        }
        cursor.object(|key, cursor| {
            match (&*key, cursor.peek()) {
                (b"id", _) => self.add(nth(CALL_ID, index), cursor.raw_string()?),
                (b"function" | b"custom", Some(b'{')) => self.read_function(index, cursor)?,
                _ => {
                    cursor.skip()?;
                }
            }
            Ok(())
        })
    }

    fn read_function(&mut self, index: u64, cursor: &mut Cursor<'_>) -> Result<(), SyntaxError> {
        let mut has_arguments = false;
        cursor.object(|key, cursor| {
            match (&*key, cursor.peek()) {
                (b"name", _) => self.add(nth(CALL_NAME, index), cursor.raw_string()?),
                (b"arguments", Some(b'{')) => {
                    has_arguments = true;
                    let object = cursor.skip_slice()?;
                    let print = arguments::print_object(nth(CALL_ARGUMENTS, index), object);
                    self.0 = self.0.wrapping_add(print);
                }
                (b"arguments" | b"input", _) => {
                    has_arguments = true;
                    self.add_arguments(index, cursor.raw_string()?);
                }
                _ => {
                    cursor.skip()?;
                }
            }
            Ok(())
        })?;
        if !has_arguments {
            self.add_arguments(index, (b"", Escapes::None));
        }
        Ok(())
    }
}

impl Prefixes {
    /// Of `messages`, a JSON array that was written here. Empty if it is none.
    pub(crate) fn of(messages: &[u8]) -> Self {
        Self::read(messages, &mut Cursor::new(messages)).unwrap_or_default()
    }

    /// Reads the array of messages at `cursor` in `json`.
    pub(crate) fn read<'a>(json: &'a [u8], cursor: &mut Cursor<'a>) -> Result<Self, SyntaxError> {
        let mut read = Self::default();
        let mut after_assistant = false;
        cursor.array(|cursor| {
            if after_assistant {
                read.replies.push(read.whole);
            }
            let (message, role) = MessagePrint::read(json, cursor)?;
            after_assistant = role == ASSISTANT;
            read.whole = read.whole.then(message.by(role));
            Ok(())
        })?;
        Ok(read)
    }
}

static MESSAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"message\""));

/// Calls `found` with the prefix that each reply in `completion`, a whole answer, makes when it is
/// appended to `messages`, in order.
///
/// Inside an answer's text every quote is escaped. So `"message"` with its quotes is a name or a
/// whole text, and an object after it belongs to a choice. The rest of the answer is not parsed.
pub(crate) fn replies(messages: Prefix, completion: &[u8], mut found: impl FnMut(Prefix)) {
    let mut rest = completion;
    while let Some(at) = MESSAGE.find(rest) {
        rest = &rest[at + MESSAGE.needle().len()..];
        let value = rest.trim_ascii_start().strip_prefix(b":");
        let Some(value) = value.map(<[u8]>::trim_ascii_start) else {
            continue;
        };
        let mut cursor = Cursor::new(value);
        if cursor.peek() != Some(b'{') {
            continue;
        }
        let Ok((reply, _)) = MessagePrint::read(value, &mut cursor) else {
            return;
        };
        // The role it names does not matter: a reply is the assistant's.
        found(messages.then(reply.by(ASSISTANT)));
        rest = &value[cursor.position()..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixes(messages: &str) -> Prefixes {
        Prefixes::read(messages.as_bytes(), &mut Cursor::new(messages.as_bytes())).unwrap()
    }

    /// Whether a client that sends `sent` back has continued from the reply `message`.
    fn goes_on(message: &str, sent: &str) -> bool {
        let user = r#"{"role":"user","content":"hi"}"#;
        let before = prefixes(&format!("[{user}]"));
        let completion = format!(r#"{{"choices":[{{"index":0,"message":{message}}}]}}"#);
        let mut reply = Vec::new();
        replies(before.whole, completion.as_bytes(), |prefix| {
            reply.push(prefix)
        });
        let after = prefixes(&format!("[{user},{sent},{user}]"));
        assert_eq!(after.replies.len(), 1);
        reply == after.replies
    }

    #[test]
    fn replies_are_known_in_every_form_in_which_clients_send_them_back() {
        let text =
            r#"{"role":"assistant","content":"a/b \"模型\"\n","refusal":null,"annotations":[]}"#;
        for sent in [
            text,
            r#"{"content":"a/b \"模型\"\n","role":"assistant"}"#,
            r#"{ "role" : "assistant", "content" : "a\/b \u0022\u6a21\u578b\"\u000a" , "tool_calls": null }"#,
            r#"{"role":"assistant","content":[{"type":"text","text":"a/b \"模型\"\n"}]}"#,
        ] {
            assert!(goes_on(text, sent), "{sent}");
        }
        let call = r#"{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]}"#;
        for sent in [
            call,
            r#"{"role":"assistant","tool_calls":[{"function":{"arguments":"{\"x\":1}","name":"f"},"id":"c1","type":"function"}]}"#,
            r#"{"role":"assistant","content":"","tool_calls":[{"id":"c1","function":{"name":"f","arguments":"{\"x\":1}"}}]}"#,
        ] {
            assert!(goes_on(call, sent), "{sent}");
        }
        assert!(goes_on(
            r#"{"content":"x"}"#,
            r#"{"role":"assistant","content":"x"}"#
        ));
    }

    #[test]
    fn others_are_not_taken_for_them() {
        let text = r#"{"role":"assistant","content":"yes"}"#;
        for sent in [
            r#"{"role":"assistant","content":"yes."}"#,
            r#"{"role":"assistant","content":[{"type":"text","text":"y"},{"type":"text","text":"es"}]}"#,
            r#"{"role":"assistant","content":"yes","tool_calls":[{"id":"c","function":{"name":"f"}}]}"#,
            r#"{"role":"assistant","refusal":"yes"}"#,
        ] {
            assert!(!goes_on(text, sent), "{sent}");
        }
    }

    #[test]
    fn order_role_and_parts_count() {
        let base = r#"{"role":"user","content":"a"},{"role":"user","content":"b"}"#;
        let others = [
            r#"{"role":"user","content":"b"},{"role":"user","content":"a"}"#,
            r#"{"role":"user","content":"a"},{"role":"system","content":"b"}"#,
            r#"{"role":"user","content":"a"}"#,
            r#"{"role":"user","content":"ab"}"#,
            r#"{"role":"user","content":"a"},{"role":"user","content":"b","name":"n"}"#,
            r#"{"role":"user","content":"a"},{"role":"user","content":[{"type":"text","text":"b"},{"type":"image_url","image_url":{"url":"data:,"}}]}"#,
            r#"{"role":"user","content":"a"},{"role":"tool","tool_call_id":"x","content":"b"}"#,
        ];
        let base = prefixes(&format!("[{base}]"));
        for other in others {
            assert_ne!(prefixes(&format!("[{other}]")).whole, base.whole, "{other}");
        }
        assert!(base.replies.is_empty());
    }

    #[test]
    fn a_reply_is_looked_for_behind_each_answer_but_a_last_one() {
        let turn = r#"{"role":"user","content":"q"},{"role":"assistant","content":"a"}"#;
        assert_eq!(prefixes(&format!("[{turn}]")).replies.len(), 0);
        let three = prefixes(&format!(
            r#"[{turn},{turn},{turn},{{"role":"user","content":"q"}}]"#
        ));
        assert_eq!(three.replies.len(), 3);
        assert_eq!(three.replies[0], prefixes(&format!("[{turn}]")).whole);
        assert_eq!(
            three.replies[1],
            prefixes(&format!("[{turn},{turn}]")).whole
        );
    }
}
