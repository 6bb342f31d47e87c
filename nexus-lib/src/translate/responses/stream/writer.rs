use bytes::Bytes;
use serde_json::{Value, json};

use super::block::Block;
use crate::translate::responses::item;
use crate::translate::responses::reply::{self, Head};
use crate::translate::{BlockKind, Event, Finish, Picture, TokenCounts};
use crate::wire::Timestamp;

/// Options for writing a stream: none.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Options {}

/// Writes a stream in OpenAI's format: each block is an item of its own.
#[derive(Debug)]
pub struct Writer {
    id: String,
    created_at: i64,
    model: String,
    counts: Option<TokenCounts>,
    finish: Finish,
    open: Vec<Block>,
    /// The block that is complete if another event follows, and incomplete if the answer ends
    /// because of its length.
    ending: Option<usize>,
    /// The items by index; `None` while they are open.
    items: Vec<Option<Value>>,
    has_started: bool,
    is_done: bool,
    /// The number of the next event.
    sequence: u64,
}

impl Writer {
    /// At the start of the answer to a client that asked for `model`.
    pub fn new(model: &str, _options: Options) -> Self {
        Self {
            id: String::new(),
            created_at: Timestamp::now().as_seconds(),
            model: model.to_owned(),
            counts: None,
            finish: Finish::Stop,
            open: Vec::new(),
            ending: None,
            items: Vec::new(),
            has_started: false,
            is_done: false,
            sequence: 0,
        }
    }

    /// The bytes for `event`; may be empty.
    pub fn push(&mut self, event: Event) -> Bytes {
        let mut out = Vec::new();
        if !self.is_done {
            self.write_event(event, &mut out);
        }
        out.into()
    }

    fn write_event(&mut self, event: Event, out: &mut Vec<u8>) {
        let is_of_the_end = matches!(event, Event::Finish(_) | Event::Usage(_) | Event::Done);
        if let Some(number) = self.ending.take_if(|_| !is_of_the_end) {
            self.end(number, "completed", out);
        }
        match event {
            Event::Start { id, model } => self.start(&id, &model, out),
            Event::Begin { block, kind } => self.begin(block, kind, out),
            Event::Delta { block, delta } => {
                let mut open = self.open.iter_mut();
                if let Some(block) = open.find(|open| open.number == block) {
                    let sequence = &mut self.sequence;
                    block.push(&delta, &mut |kind, fields| {
                        frame(sequence, kind, fields, out)
                    });
                }
            }
            Event::End { block } => self.ending = Some(block),
            Event::Picture(picture) => self.picture(&picture, out),
            Event::Finish(finish) => self.finish = finish,
            Event::Usage(counts) => self.counts = Some(counts),
            // There is no event for it; a comment keeps the connection alive.
            Event::Ping => out.extend_from_slice(b": ping\n\n"),
            Event::Error {
                message,
                code,
                kind,
            } => {
                self.start("", "", out);
                self.is_done = true;
                let code = code.or(kind).unwrap_or_else(|| "server_error".to_owned());
                let response = self
                    .head()
                    .failed(self.output("incomplete"), &message, &code);
                self.frame("response.failed", json!({ "response": response }), out);
            }
            Event::Done => self.done(out),
        }
    }

    fn head(&self) -> Head<'_> {
        Head {
            id: &self.id,
            created_at: self.created_at,
            model: &self.model,
        }
    }

    fn frame(&mut self, kind: &str, fields: Value, out: &mut Vec<u8>) {
        frame(&mut self.sequence, kind, fields, out);
    }

    fn start(&mut self, id: &str, model: &str, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.has_started, true) {
            return;
        }
        self.id = reply::id(id);
        if self.model.is_empty() {
            model.clone_into(&mut self.model);
        }
        for kind in ["response.created", "response.in_progress"] {
            let response = self.head().response("in_progress", Vec::new());
            self.frame(kind, json!({ "response": response }), out);
        }
    }

    fn begin(&mut self, number: usize, kind: BlockKind, out: &mut Vec<u8>) {
        self.start("", "", out);
        self.end(number, "completed", out);
        let index = self.items.len();
        let sequence = &mut self.sequence;
        let block = Block::begin(number, index, kind, &mut |kind, fields| {
            frame(sequence, kind, fields, out);
        });
        self.items.push(None);
        self.open.push(block);
    }

    /// An image comes whole, and so does its item.
    fn picture(&mut self, picture: &Picture, out: &mut Vec<u8>) {
        self.start("", "", out);
        let (id, index) = (item::new_id("ig"), self.items.len());
        let Some(item) = item::image(&id, picture) else {
            return;
        };
        let mut begun = item.clone();
        begun["status"] = "in_progress".into();
        begun["result"] = Value::Null;
        let added = json!({"output_index": index, "item": begun});
        self.frame("response.output_item.added", added, out);
        for kind in ["in_progress", "completed"] {
            let kind = format!("response.image_generation_call.{kind}");
            let place = json!({"output_index": index, "item_id": id});
            self.frame(&kind, place, out);
        }
        let done = json!({"output_index": index, "item": item});
        self.frame("response.output_item.done", done, out);
        self.items.push(Some(item));
    }

    fn end(&mut self, number: usize, status: &str, out: &mut Vec<u8>) {
        let Some(at) = self.open.iter().position(|open| open.number == number) else {
            return;
        };
        let block = self.open.remove(at);
        let index = block.index();
        let sequence = &mut self.sequence;
        let item = block.end(status, &mut |kind, fields| {
            frame(sequence, kind, fields, out)
        });
        if let Some(slot) = self.items.get_mut(index) {
            *slot = Some(item);
        }
    }

    /// The items so far, open ones with `status`.
    fn output(&self, status: &str) -> Vec<Value> {
        let items = self.items.iter().enumerate();
        let items = items.filter_map(|(index, item)| match item {
            Some(item) => Some(item.clone()),
            None => {
                let mut open = self.open.iter();
                let block = open.find(|block| block.index() == index);
                block.map(|block| block.item(status))
            }
        });
        items.collect()
    }

    fn done(&mut self, out: &mut Vec<u8>) {
        self.start("", "", out);
        let status = reply::status(&self.finish);
        let open: Vec<usize> = self.open.iter().map(|block| block.number).collect();
        for number in open {
            self.end(number, status, out);
        }
        let output = self.output("completed");
        let response = self.head().over(&self.finish, output, self.counts);
        let kind = match response["status"].as_str() {
            Some("incomplete") => "response.incomplete",
            _ => "response.completed",
        };
        self.frame(kind, json!({ "response": response }), out);
        self.is_done = true;
    }
}

/// Adds an event with its type and number.
fn frame(sequence: &mut u64, kind: &str, mut fields: Value, out: &mut Vec<u8>) {
    fields["type"] = kind.into();
    fields["sequence_number"] = (*sequence).into();
    *sequence += 1;
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    // Writing strings and numbers into a growing buffer cannot fail.
    let _ = serde_json::to_writer(&mut *out, &fields);
    out.extend_from_slice(b"\n\n");
}
