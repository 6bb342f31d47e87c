use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::wire::Operation;

/// The client protocols in which a provider accepts chats without translation: `chat`, `messages`,
/// `responses`.
///
/// In JSON a list of these words; as text they are separated by commas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Protocols {
    /// OpenAI's chat completions.
    pub chat: bool,
    /// Anthropic's Messages, and their token counting.
    pub messages: bool,
    /// OpenAI's Responses.
    pub responses: bool,
}

impl Protocols {
    /// Only chat completions.
    pub const CHAT: Self = Self {
        chat: true,
        messages: false,
        responses: false,
    };

    /// Chat completions and Responses, like OpenAI itself.
    pub const OPENAI: Self = Self {
        chat: true,
        messages: false,
        responses: true,
    };

    /// Only Messages.
    pub const MESSAGES: Self = Self {
        chat: false,
        messages: true,
        responses: false,
    };

    /// Whether requests for `operation` use one of these protocols.
    pub const fn have(self, operation: Operation) -> bool {
        match operation {
            Operation::ChatCompletion => self.chat,
            Operation::Message | Operation::TokenCount => self.messages,
            Operation::Response => self.responses,
            _ => false,
        }
    }

    fn words(self) -> impl Iterator<Item = &'static str> {
        let each = [
            ("chat", self.chat),
            ("messages", self.messages),
            ("responses", self.responses),
        ];
        each.into_iter()
            .filter_map(|(word, is_there)| is_there.then_some(word))
    }

    fn of_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, NoProtocol> {
        let mut protocols = Self::default();
        for word in words {
            match word.trim() {
                "chat" => protocols.chat = true,
                "messages" => protocols.messages = true,
                "responses" => protocols.responses = true,
                _ => return Err(NoProtocol),
            }
        }
        match protocols == Self::default() {
            true => Err(NoProtocol),
            false => Ok(protocols),
        }
    }
}

/// The text names no protocol, or an unknown one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("one or more of `chat`, `messages` and `responses`")]
pub struct NoProtocol;

impl fmt::Display for Protocols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.words().enumerate() {
            f.write_str(if index > 0 { "," } else { "" })?;
            f.write_str(word)?;
        }
        Ok(())
    }
}

impl FromStr for Protocols {
    type Err = NoProtocol;

    fn from_str(text: &str) -> Result<Self, NoProtocol> {
        Self::of_words(text.split(','))
    }
}

impl JsonSchema for Protocols {
    fn schema_name() -> Cow<'static, str> {
        "Protocols".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "minItems": 1,
            "items": {"enum": ["chat", "messages", "responses"]},
        })
    }
}

impl Serialize for Protocols {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.words())
    }
}

impl<'de> Deserialize<'de> for Protocols {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words: Vec<String> = Deserialize::deserialize(deserializer)?;
        Self::of_words(words.iter().map(String::as_str)).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_in_both_forms() {
        let protocols: Protocols = serde_json::from_str(r#"["responses", "chat"]"#).unwrap();
        assert_eq!(protocols, Protocols::OPENAI);
        assert_eq!(
            serde_json::to_string(&protocols).unwrap(),
            r#"["chat","responses"]"#
        );
        assert_eq!(protocols.to_string().parse(), Ok(protocols));
        for none in ["[]", r#"["grpc"]"#, r#""chat""#] {
            assert!(serde_json::from_str::<Protocols>(none).is_err(), "{none}");
        }
    }
}
