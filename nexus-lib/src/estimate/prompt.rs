use super::count::Count;
use super::encoding::Encoding;
use crate::wire::json::{Cursor, SyntaxError};

/// The overhead of a message, and of the start of the reply; one more for a name. From OpenAI's
/// Cookbook, "How to count tokens with tiktoken".
const MESSAGE: u64 = 3;
const REPLY: u64 = 3;
const NAME: u64 = 1;

/// An image: what OpenAI bills for one in low detail, whatever its size.
const IMAGE: u64 = 85;

/// The tokens of a request's messages and tools; 0 if it is malformed.
pub(super) fn tokens(body: &[u8], encoding: Encoding) -> u64 {
    let mut prompt = Prompt {
        json: body,
        count: Count::new(encoding),
    };
    match prompt.read() {
        Ok(()) => prompt.count.tokens(),
        Err(_) => 0,
    }
}

struct Prompt<'a> {
    json: &'a [u8],
    count: Count,
}

type Walk = Result<(), SyntaxError>;

impl<'a> Prompt<'a> {
    fn read(&mut self) -> Walk {
        let mut cursor = Cursor::of_text(self.json)?;
        cursor.object(|key, cursor| match (&*key, cursor.peek()) {
            (b"messages", Some(b'[')) => {
                self.count.add_tokens(REPLY);
                cursor.array(|cursor| self.read_message(cursor))
            }
            // Providers show them to the model in formats of their own, of about the same length.
            (b"tools" | b"functions", Some(b'[')) => {
                let tools = cursor.skip()?;
                let tools = self.json.get(tools).unwrap_or_default();
                self.count.add(&String::from_utf8_lossy(tools));
                Ok(())
            }
            _ => cursor.skip().map(drop),
        })?;
        cursor.end()
    }

    fn read_message(&mut self, cursor: &mut Cursor<'a>) -> Walk {
        if cursor.peek() != Some(b'{') {
            return cursor.skip().map(drop);
        }
        self.count.add_tokens(MESSAGE);
        cursor.object(|key, cursor| match (&*key, cursor.peek()) {
            (b"name", Some(b'"')) => {
                self.count.add_tokens(NAME);
                self.read_text(cursor)
            }
            (b"role" | b"content" | b"refusal", Some(b'"')) => self.read_text(cursor),
            (b"content", Some(b'[')) => cursor.array(|cursor| self.read_part(cursor)),
            (b"tool_calls", Some(b'[')) => cursor.array(|cursor| self.read_call(cursor)),
            // The format that preceded tool calls.
            (b"function_call", Some(b'{')) => self.read_function(cursor),
            _ => cursor.skip().map(drop),
        })
    }

    fn read_part(&mut self, cursor: &mut Cursor<'a>) -> Walk {
        if cursor.peek() != Some(b'{') {
            return cursor.skip().map(drop);
        }
        cursor.object(|key, cursor| match (&*key, cursor.peek()) {
            (b"text" | b"refusal", Some(b'"')) => self.read_text(cursor),
            (b"image_url", _) => {
                self.count.add_tokens(IMAGE);
                cursor.skip().map(drop)
            }
            _ => cursor.skip().map(drop),
        })
    }

    fn read_call(&mut self, cursor: &mut Cursor<'a>) -> Walk {
        if cursor.peek() != Some(b'{') {
            return cursor.skip().map(drop);
        }
        cursor.object(|key, cursor| match (&*key, cursor.peek()) {
            (b"function" | b"custom", Some(b'{')) => self.read_function(cursor),
            _ => cursor.skip().map(drop),
        })
    }

    fn read_function(&mut self, cursor: &mut Cursor<'a>) -> Walk {
        cursor.object(|key, cursor| match (&*key, cursor.peek()) {
            (b"name" | b"arguments" | b"input", Some(b'"')) => self.read_text(cursor),
            _ => cursor.skip().map(drop),
        })
    }

    fn read_text(&mut self, cursor: &mut Cursor<'a>) -> Walk {
        let text = cursor.skip()?;
        let inside = text.start + 1..text.end - 1;
        self.count
            .add_json(self.json.get(inside).unwrap_or_default());
        Ok(())
    }
}
