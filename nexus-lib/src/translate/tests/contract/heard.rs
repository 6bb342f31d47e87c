use std::collections::HashSet;

use serde_json::Value;

use super::Case;
use crate::sse;
use crate::translate::ClientProtocol;

/// The answer that a client assembles.
#[derive(Debug, Default)]
pub(super) struct Heard {
    words: String,
    /// Ids, names and arguments.
    calls: Vec<(String, String, String)>,
    /// Anthropic's indexes of these.
    blocks: Vec<Value>,
    /// `stop`, `length` or `calls`; clients know no other value.
    reason: String,
    pub(super) error: Option<String>,
    /// Whether its protocol's final event has arrived.
    pub(super) is_over: bool,
}

fn text(json: &Value) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

impl Heard {
    pub(super) fn of_stream(client: ClientProtocol, stream: &[u8]) -> Self {
        let mut heard = Self::default();
        for event in sse::events(stream) {
            let data = event.data();
            assert!(!heard.is_over, "nothing comes behind the last event");
            if *data == *b"[DONE]" {
                heard.is_over = true;
                continue;
            }
            let event: Value = serde_json::from_slice(&data).unwrap();
            match client {
                ClientProtocol::Chat => heard.chunk(&event),
                ClientProtocol::Messages => heard.message_event(&event),
                ClientProtocol::Responses => heard.response_event(&event),
            }
        }
        heard
    }

    pub(super) fn of_whole(client: ClientProtocol, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap();
        let mut heard = Self {
            is_over: true,
            ..Self::default()
        };
        let list = |json: &Value| json.as_array().cloned().unwrap_or_default();
        match client {
            ClientProtocol::Chat => {
                let choice = &body["choices"][0];
                heard.words = text(&choice["message"]["content"]);
                for call in list(&choice["message"]["tool_calls"]) {
                    let function = &call["function"];
                    let (name, arguments) = (&function["name"], &function["arguments"]);
                    heard.call(&call["id"], name, &text(arguments));
                }
                heard.chat_reason(&choice["finish_reason"]);
            }
            ClientProtocol::Messages => {
                for block in list(&body["content"]) {
                    heard.words += &text(&block["text"]);
                    if block["type"] == "tool_use" {
                        heard.call(&block["id"], &block["name"], &block["input"].to_string());
                    }
                }
                heard.message_reason(&body["stop_reason"]);
            }
            ClientProtocol::Responses => heard.response(&body),
        }
        heard
    }

    fn call(&mut self, id: &Value, name: &Value, arguments: &str) {
        self.calls
            .push((text(id), text(name), arguments.to_owned()));
    }

    fn chunk(&mut self, chunk: &Value) {
        if !chunk["error"].is_null() {
            self.error = Some(text(&chunk["error"]["message"]));
            return;
        }
        let choice = &chunk["choices"][0];
        self.words += &text(&choice["delta"]["content"]);
        for call in choice["delta"]["tool_calls"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let function = &call["function"];
            if !call["id"].is_null() {
                assert_eq!(call["index"], self.calls.len());
                self.call(&call["id"], &function["name"], "");
            }
            let at = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
            self.calls[at].2 += &text(&function["arguments"]);
        }
        self.chat_reason(&choice["finish_reason"]);
    }

    fn chat_reason(&mut self, reason: &Value) {
        if let Some(reason) = reason.as_str() {
            assert_eq!(self.reason, "", "one reason");
            self.reason = reason.replace("tool_calls", "calls");
        }
    }

    fn message_event(&mut self, event: &Value) {
        match event["type"].as_str().unwrap() {
            "content_block_start" if event["content_block"]["type"] == "tool_use" => {
                let block = &event["content_block"];
                self.blocks.push(event["index"].clone());
                self.call(&block["id"], &block["name"], "");
            }
            "content_block_delta" => {
                self.words += &text(&event["delta"]["text"]);
                if let Some(more) = event["delta"]["partial_json"].as_str() {
                    let mut blocks = self.blocks.iter();
                    let at = blocks.position(|index| *index == event["index"]);
                    self.calls[at.unwrap()].2 += more;
                }
            }
            "message_delta" => self.message_reason(&event["delta"]["stop_reason"]),
            "message_stop" => self.is_over = true,
            "error" => self.error = Some(text(&event["error"]["message"])),
            _ => {}
        }
    }

    fn message_reason(&mut self, reason: &Value) {
        self.reason = match reason.as_str().unwrap() {
            "end_turn" => "stop",
            "max_tokens" => "length",
            "tool_use" => "calls",
            other => other,
        }
        .to_owned();
    }

    fn response_event(&mut self, event: &Value) {
        match event["type"].as_str().unwrap() {
            "response.completed" | "response.incomplete" => {
                self.is_over = true;
                self.response(&event["response"]);
            }
            "response.failed" => {
                self.error = Some(text(&event["response"]["error"]["message"]));
            }
            _ => {}
        }
    }

    fn response(&mut self, response: &Value) {
        for item in response["output"].as_array().unwrap() {
            for part in item["content"].as_array().into_iter().flatten() {
                self.words += &text(&part["text"]);
            }
            if item["type"] == "function_call" {
                self.call(&item["call_id"], &item["name"], &text(&item["arguments"]));
            }
        }
        self.reason = match response["status"].as_str().unwrap() {
            "incomplete" => "length",
            _ if self.calls.is_empty() => "stop",
            _ => "calls",
        }
        .to_owned();
    }

    /// Checks that this is the expected result of `case`.
    pub(super) fn check(&self, case: &Case, at: &str) {
        assert_eq!(self.error, None, "{at}");
        assert!(self.is_over, "{at}: {self:?}");
        assert_eq!(self.words, case.words, "{at}");
        assert_eq!(self.reason, case.reason, "{at}");
        let json = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
        let calls: Vec<_> = self
            .calls
            .iter()
            .map(|(_, name, text)| (&**name, json(text)))
            .collect();
        let expected = case.calls.iter().map(|(name, text)| (*name, json(text)));
        assert_eq!(calls, expected.collect::<Vec<_>>(), "{at}");
        let ids: HashSet<_> = self.calls.iter().map(|(id, ..)| id).collect();
        assert_eq!(
            ids.len(),
            self.calls.len(),
            "{at}: every call has an id of its own"
        );
        assert!(self.calls.iter().all(|(id, ..)| !id.is_empty()), "{at}");
    }
}
