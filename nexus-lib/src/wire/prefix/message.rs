use super::{Prefix, Prefixes, text};
use crate::wire::json::{Cursor, SyntaxError};

/// What a print is of, so that equal texts in different places differ.
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

/// The field that is number `index` of its kind.
fn nth(field: u64, index: u64) -> u64 {
    field | index << 8
}

/// The fingerprint of one message: the sum of its fields' prints, since their order says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct MessagePrint(u128);

impl MessagePrint {
    /// An assistant's message, to which what it says is to be added.
    pub(crate) fn of_assistant() -> Self {
        Self::default().by(ASSISTANT)
    }

    fn by(mut self, role: &[u8]) -> Self {
        self.add(ROLE, role);
        self
    }

    /// Adds the text, a JSON string without its quotes; an empty one says nothing.
    pub(crate) fn add_content(&mut self, raw: &[u8]) {
        self.add(TEXT, raw);
    }

    /// Adds the text of a refusal, likewise.
    pub(crate) fn add_refusal(&mut self, raw: &[u8]) {
        self.add(REFUSAL, raw);
    }

    /// Adds tool call number `index`, likewise.
    pub(crate) fn add_tool_call(&mut self, index: u64, id: &[u8], name: &[u8], arguments: &[u8]) {
        self.add(nth(CALL_ID, index), id);
        self.add(nth(CALL_NAME, index), name);
        self.add(nth(CALL_ARGUMENTS, index), arguments);
    }

    pub(super) fn bits(self) -> u128 {
        self.0
    }

    fn add(&mut self, field: u64, raw: &[u8]) {
        if !raw.is_empty() {
            self.0 = self.0.wrapping_add(text::print(field, raw));
        }
    }

    /// Reads the message at which `cursor` stands in `json`: what it says, and whose it is.
    fn read<'a>(json: &'a [u8], cursor: &mut Cursor<'a>) -> Result<(Self, &'a [u8]), SyntaxError> {
        let mut print = Self::default();
        let mut role = &b""[..];
        if cursor.peek() != Some(b'{') {
            print.add(OTHER, &json[cursor.skip()?]);
            return Ok((print, role));
        }
        cursor.object(|key, cursor| {
            match &*key {
                b"role" => role = string(json, cursor)?,
                b"content" => print.read_content(json, cursor)?,
                b"refusal" => print.add_refusal(string(json, cursor)?),
                b"name" => print.add(NAME, string(json, cursor)?),
                b"tool_call_id" => print.add(ANSWERS_CALL, string(json, cursor)?),
                b"tool_calls" if cursor.peek() == Some(b'[') => {
                    let mut index = 0;
                    cursor.array(|cursor| {
                        index += 1;
                        print.read_call(index - 1, json, cursor)
                    })?;
                }
                b"function_call" if cursor.peek() == Some(b'{') => {
                    print.read_function(0, json, cursor)?;
                }
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
            self.add_content(string(json, cursor)?);
            return Ok(());
        }
        let mut index = 0;
        cursor.array(|cursor| {
            let start = cursor.position();
            let (mut text, mut is_text) = (&b""[..], false);
            if cursor.peek() == Some(b'{') {
                cursor.object(|key, cursor| {
                    match &*key {
                        b"type" => is_text = string(json, cursor)? == b"text",
                        b"text" => text = string(json, cursor)?,
                        _ => drop(cursor.skip()?),
                    }
                    Ok(())
                })?;
            } else {
                cursor.skip()?;
            }
            match is_text {
                true => self.add(nth(TEXT, index), text),
                false => self.add(nth(PART, index), &json[start..cursor.position()]),
            }
            index += 1;
            Ok(())
        })
    }

    fn read_call<'a>(
        &mut self,
        index: u64,
        json: &'a [u8],
        cursor: &mut Cursor<'a>,
    ) -> Result<(), SyntaxError> {
        if cursor.peek() != Some(b'{') {
            return cursor.skip().map(drop);
        }
        cursor.object(|key, cursor| {
            match &*key {
                b"id" => self.add(nth(CALL_ID, index), string(json, cursor)?),
                b"function" if cursor.peek() == Some(b'{') => {
                    self.read_function(index, json, cursor)?;
                }
                _ => drop(cursor.skip()?),
            }
            Ok(())
        })
    }

    fn read_function<'a>(
        &mut self,
        index: u64,
        json: &'a [u8],
        cursor: &mut Cursor<'a>,
    ) -> Result<(), SyntaxError> {
        cursor.object(|key, cursor| {
            match &*key {
                b"name" => self.add(nth(CALL_NAME, index), string(json, cursor)?),
                b"arguments" => self.add(nth(CALL_ARGUMENTS, index), string(json, cursor)?),
                _ => drop(cursor.skip()?),
            }
            Ok(())
        })
    }
}

impl Prefixes {
    /// Reads the array of messages at which `cursor` stands in `json`.
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

/// What the replies in `completion`, a whole answer, come to when each is put behind `messages`: one
/// for each choice, in order.
pub(crate) fn replies(messages: Prefix, completion: &[u8]) -> Vec<Prefix> {
    let mut replies = Vec::new();
    let mut cursor = Cursor::new(completion);
    // As far as it is JSON: an answer that is none has no reply.
    let _ = cursor.object(|key, cursor| {
        if *key != *b"choices" || cursor.peek() != Some(b'[') {
            return cursor.skip().map(drop);
        }
        cursor.array(|cursor| {
            if cursor.peek() != Some(b'{') {
                return cursor.skip().map(drop);
            }
            cursor.object(|key, cursor| {
                if *key != *b"message" || cursor.peek() != Some(b'{') {
                    return cursor.skip().map(drop);
                }
                // Whatever role it names: a reply is the assistant's.
                let (reply, _) = MessagePrint::read(completion, cursor)?;
                replies.push(messages.then(reply.by(ASSISTANT)));
                Ok(())
            })
        })
    });
    replies
}

/// The string that is next, without its quotes; empty for any other value.
fn string<'a>(json: &'a [u8], cursor: &mut Cursor<'a>) -> Result<&'a [u8], SyntaxError> {
    let is_string = cursor.peek() == Some(b'"');
    let value = &json[cursor.skip()?];
    Ok(if is_string {
        &value[1..value.len() - 1]
    } else {
        b""
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixes(messages: &str) -> Prefixes {
        Prefixes::read(messages.as_bytes(), &mut Cursor::new(messages.as_bytes())).unwrap()
    }

    /// Whether a client that sends `sent` back has gone on with the reply `message`.
    fn goes_on(message: &str, sent: &str) -> bool {
        let user = r#"{"role":"user","content":"hi"}"#;
        let before = prefixes(&format!("[{user}]"));
        let completion = format!(r#"{{"choices":[{{"index":0,"message":{message}}}]}}"#);
        let reply = replies(before.whole, completion.as_bytes());
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
