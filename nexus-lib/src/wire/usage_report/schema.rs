use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use super::UsageReport;

impl JsonSchema for UsageReport {
    fn schema_name() -> Cow<'static, str> {
        "UsageReport".into()
    }

    /// The shape that is written. Others may leave out any member.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let tokens = json!({"type": "integer", "minimum": 0});
        json_schema!({
            "type": "object",
            "description": "Tokens, in OpenAI's shape.",
            "properties": {
                "prompt_tokens": tokens,
                "completion_tokens": tokens,
                "total_tokens": tokens,
                "prompt_tokens_details": {
                    "type": "object",
                    "properties": {"cached_tokens": tokens},
                },
                "completion_tokens_details": {
                    "type": "object",
                    "properties": {"reasoning_tokens": tokens},
                },
            },
        })
    }
}
