use std::sync::LazyLock;

use libfuzzer_sys::fuzzer_mutate;
use serde_json::{Map, Value};

/// The strings of the dictionary, which libFuzzer gets too.
static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let lines = include_str!("../json.dict").lines();
    let quoted = lines.filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
    let words = quoted.map(|word| word.replace("\\\"", "").replace("\\\\", "\\"));
    words.filter(|word| !word.is_empty()).collect()
});

/// Changes JSON as a tree: libFuzzer's own byte changes rarely leave a readable document.
#[derive(Debug)]
pub struct JsonMutator(u64);

impl JsonMutator {
    /// A mutator that is deterministic for a `seed`.
    pub fn new(seed: u32) -> Self {
        Self(u64::from(seed) << 1 | 1)
    }

    /// Changes the first `size` bytes of `data`, the first `header` of them as bytes; returns the
    /// new size.
    pub fn mutate(
        &mut self,
        data: &mut [u8],
        size: usize,
        max_size: usize,
        header: usize,
    ) -> usize {
        if size <= header || self.below(5) == 0 {
            return fuzzer_mutate(data, size, max_size);
        }
        let Some(text) = std::str::from_utf8(&data[header..size]).ok() else {
            return fuzzer_mutate(data, size, max_size);
        };
        let mut text = text.to_owned();
        for _ in 0..=self.below(3) {
            if let Some(changed) = self.changed(&text) {
                text = changed;
            }
        }
        if header > 0 && self.below(8) == 0 {
            let at = self.below(header);
            data[at] = self.next() as u8;
        }
        if header + text.len() > max_size.min(data.len()) || text.as_bytes() == &data[header..size]
        {
            return fuzzer_mutate(data, size, max_size);
        }
        data[header..header + text.len()].copy_from_slice(text.as_bytes());
        header + text.len()
    }

    fn changed(&mut self, text: &str) -> Option<String> {
        if let Ok(json) = serde_json::from_str::<Value>(text) {
            return Some(self.changed_json(json));
        }
        // A stream: a line is changed, or the order of events.
        let break_ = if text.contains("\n\n") { "\n\n" } else { "\n" };
        let mut events: Vec<String> = text.split(break_).map(str::to_owned).collect();
        let at = self.below(events.len());
        match self.below(8) {
            0 => drop(events.remove(at)),
            1 => {
                let other = self.below(events.len());
                events.swap(at, other);
            }
            2 => events.insert(at, events[at].clone()),
            3 => events.truncate(at + 1),
            _ => {
                let start = events[at].find('{')?;
                let end = events[at].rfind('}')? + 1;
                let json = serde_json::from_str(events[at].get(start..end)?).ok()?;
                let json = self.changed_json(json);
                events[at].replace_range(start..end, &json);
            }
        }
        Some(events.join(break_))
    }

    fn changed_json(&mut self, mut json: Value) -> String {
        let nodes = count(&json);
        let at = self.below(nodes);
        let other = self.below(nodes);
        let other = node(&mut json, &mut other.clone())
            .cloned()
            .unwrap_or_default();
        let value = match self.below(3) {
            0 => other,
            _ => self.value(),
        };
        if let Some(target) = node(&mut json, &mut at.clone()) {
            self.change(target, value);
        }
        let text = json.to_string();
        // Values that a tree cannot hold.
        match self.below(24) {
            0 => text.replacen("\":\"", "\":\"\\ud83d", 1),
            1 => text.replacen("\":", "\":1e999,\"index\":", 1),
            2 => text.replacen(",\"", " , \"", 3),
            _ => text,
        }
    }

    fn change(&mut self, target: &mut Value, value: Value) {
        match target {
            Value::Object(map) if self.below(4) > 0 => self.change_object(map, value),
            Value::Array(list) if self.below(4) > 0 => match self.below(3) {
                0 if !list.is_empty() => drop(list.remove(self.below(list.len()))),
                1 if !list.is_empty() => {
                    let copy = list[self.below(list.len())].clone();
                    list.insert(self.below(list.len()), copy);
                }
                _ => list.insert(self.below(list.len() + 1), value),
            },
            Value::String(text) if self.below(2) == 0 => match self.below(5) {
                0 => text.push_str(self.word()),
                1 => *text = String::new(),
                2 => text.insert(0, ' '),
                3 => *text = value.to_string(),
                _ => *text = self.word().to_owned(),
            },
            target => *target = value,
        }
    }

    fn change_object(&mut self, map: &mut Map<String, Value>, value: Value) {
        let name = map.keys().nth(self.below(map.len().max(1))).cloned();
        match (name, self.below(4)) {
            (Some(name), 0) => drop(map.shift_remove(&name)),
            (Some(name), 1) => {
                map.insert(name, value);
            }
            (Some(name), 2) => {
                let kept = map.shift_remove(&name).unwrap_or_default();
                map.insert(self.word().to_owned(), kept);
            }
            _ => {
                map.insert(self.word().to_owned(), value);
            }
        }
    }

    fn value(&mut self) -> Value {
        match self.below(14) {
            0 => Value::Null,
            1 => true.into(),
            2 => false.into(),
            3 => "".into(),
            4 => " \n".into(),
            5 => "null".into(),
            6 => [0, 1, -1, i64::MAX, i64::MIN][self.below(5)].into(),
            7 => [0.5, -0.0, 1e300, 2.5][self.below(4)].into(),
            8 => Value::Array(Vec::new()),
            9 => Value::Object(Map::new()),
            10 => u64::MAX.into(),
            _ => self.word().into(),
        }
    }

    fn word(&mut self) -> &'static str {
        &WORDS[self.below(WORDS.len())]
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }
}

fn count(json: &Value) -> usize {
    1 + match json {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum::<usize>(),
        _ => 0,
    }
}

/// The value of that number, counted from the outermost.
fn node<'a>(json: &'a mut Value, at: &mut usize) -> Option<&'a mut Value> {
    if *at == 0 {
        return Some(json);
    }
    *at -= 1;
    match json {
        Value::Array(list) => list.iter_mut().find_map(|json| node(json, at)),
        Value::Object(map) => map.values_mut().find_map(|json| node(json, at)),
        _ => None,
    }
}
