use std::sync::mpsc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::call::Prompt;
use crate::wire::Operation;

fn asked(messages: Value) -> Vec<u8> {
    json!({"model": "m", "messages": messages})
        .to_string()
        .into_bytes()
}

fn job(body: Vec<u8>) -> EstimateJob {
    EstimateJob {
        asked: Prompt::new(Operation::ChatCompletion, Bytes::from(body)),
        answer: Delivered::Nothing,
        model: "gpt-4o".into(),
    }
}

/// Text, and its tokens in o200k_base and cl100k_base. Computed with npm's `gpt-tokenizer` 4.0.0
/// (`countTokens`, no special tokens).
#[cfg(feature = "estimate")]
const TABLE: &[(&str, u64, u64)] = &[
    ("Hello, world!", 4, 4),
    (
        "The quick brown fox jumps over the lazy dog, and isn't it 12345 times faster?",
        19,
        20,
    ),
    ("你好,世界!今天天气怎么样?", 9, 17),
    (
        "网关把每个请求的词元记在账上,然后才把答案交给客户端。",
        22,
        31,
    ),
    (
        "fn main() {\n    let total: u64 = rows.iter().map(|row| row.tokens).sum();\n    println!(\"{total}\");\n}\n",
        29,
        29,
    ),
    (
        "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]}",
        19,
        18,
    ),
    ("👩‍👩‍👧‍👦 🎉🎉 ¡olé! 😀", 19, 29),
    ("   leading spaces,\ttabs\r\n\r\nand lines   ", 10, 10),
    (
        "Grüße aus Zürich – naïve café, Ελληνικά, русский, العربية, हिन्दी, 日本語",
        21,
        44,
    ),
    ("<|endoftext|>", 7, 7),
    ("", 0, 0),
];

#[cfg(feature = "estimate")]
#[test]
fn text_is_cut_as_openai_cuts_it() {
    for (text, newer, older) in TABLE {
        let body = json!({"choices": [{"index": 0, "message": {"content": text}}]});
        let answer = Delivered::Whole(body.to_string().into());
        let tokens = |model| usage(b"", &answer, model).completion_tokens;
        for model in ["gpt-4o-mini", "gpt-4.1", "openai/o3", "deepseek-chat"] {
            assert_eq!(tokens(model), *newer, "{text:?} in o200k_base for {model}");
        }
        for model in [
            "gpt-4",
            "gpt-4-turbo",
            "openai/gpt-3.5-turbo",
            "gpt-35-turbo",
        ] {
            assert_eq!(tokens(model), *older, "{text:?} in cl100k_base for {model}");
        }
    }
}

/// The example in OpenAI's Cookbook, "How to count tokens with tiktoken", with the API's figures.
#[cfg(feature = "estimate")]
#[test]
fn prompts_are_counted_as_the_api_counts_them() {
    let body = asked(json!([
        {"role": "system", "content": "You are a helpful, pattern-following assistant that translates corporate jargon into plain English."},
        {"role": "system", "name": "example_user", "content": "New synergies will help drive top-line growth."},
        {"role": "system", "name": "example_assistant", "content": "Things working well together will increase revenue."},
        {"role": "system", "name": "example_user", "content": "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage."},
        {"role": "system", "name": "example_assistant", "content": "Let's talk later when we're less busy about how to do better."},
        {"role": "user", "content": "This late pivot means we don't have time to boil the ocean for the client deliverable."},
    ]));
    for (model, tokens) in [("gpt-3.5-turbo", 129), ("gpt-4-0613", 129), ("gpt-4o", 124)] {
        let usage = usage(&body, &Delivered::Nothing, model);
        let figures = (
            usage.prompt_tokens,
            usage.completion_tokens,
            usage.total_tokens,
        );
        assert_eq!(figures, (tokens, 0, tokens), "{model}");
    }
}

#[test]
fn all_that_a_prompt_says_counts_and_an_image_is_a_constant() {
    let tokens = |body: &[u8]| usage(body, &Delivered::Nothing, "gpt-4o").prompt_tokens;
    let said = |message: Value| tokens(&asked(json!([message])));
    let words = "four words are here";
    let bare = said(json!({"role": "user", "content": ""}));
    let alone = said(json!({"role": "user", "content": words})) - bare;
    assert!(alone >= 4);
    let image = format!("data:image/png;base64,{}", "A".repeat(100_000));
    let parts = [
        json!({"type": "text", "text": words}),
        json!({"type": "image_url", "image_url": {"url": image}}),
    ];
    assert_eq!(
        said(json!({"role": "user", "content": parts})) - bare,
        alone + 85
    );
    let call = json!({"id": "c", "type": "function", "function": {"name": "", "arguments": words}});
    assert_eq!(
        said(json!({"role": "user", "content": null, "tool_calls": [call]})) - bare,
        alone
    );
    let tools = json!([{"type": "function", "function": {"name": words, "parameters": {}}}]);
    let offered = json!({"messages": [{"role": "user", "content": ""}], "tools": tools});
    assert!(tokens(offered.to_string().as_bytes()) > bare + alone);
}

#[test]
fn an_answer_counts_all_its_parts_and_an_unreadable_body_nothing() {
    let message = json!({
        "content": "some words", "reasoning_content": "some words", "refusal": "some words",
        "tool_calls": [{"id": "c", "function": {"name": "some words", "arguments": "some words"}}],
    });
    let whole = json!({"choices": [{"index": 0, "message": message}]});
    let one = json!({"choices": [{"index": 0, "message": {"content": "some words"}}]});
    let tokens = |body: Value| {
        usage(
            b"{\"messages\": [",
            &Delivered::Whole(body.to_string().into()),
            "m",
        )
    };
    let (whole, one) = (tokens(whole), tokens(one));
    assert!(one.completion_tokens > 0);
    // Bytes that are not tokenized are rounded once.
    let five = 5 * one.completion_tokens;
    assert!((five - 3..=five).contains(&whole.completion_tokens));
    assert_eq!(
        (whole.prompt_tokens, whole.total_tokens),
        (0, whole.completion_tokens)
    );
    assert_eq!(
        usage(b"\xff", &Delivered::Whole("none".into()), "m"),
        Usage::default()
    );
}

#[test]
fn what_is_beyond_the_bound_counts_like_samples_of_it() {
    let tokens = |text: &str| {
        let body = asked(json!([{"role": "user", "content": text}]));
        usage(&body, &Delivered::Nothing, "m").prompt_tokens
    };
    let one = tokens(&"one two three four ".repeat(1000)) - 7;
    let other = tokens(&"一二三四,\n五六。 ".repeat(1000)) - 7;
    for (english, chinese) in [(64 << 10, 0), (16 << 10, 4 << 10), (4 << 10, 64 << 10)] {
        let text = "one two three four ".repeat(english) + &"一二三四,\n五六。 ".repeat(chinese);
        let expected = (one * english as u64 + other * chinese as u64) / 1000;
        let counted = tokens(&text);
        assert!(
            counted.abs_diff(expected) * 10 < expected,
            "{counted} is not near {expected}"
        );
    }
}

/// Text that might be slow to tokenize is not slower than other text.
#[test]
fn no_text_takes_long() {
    for letters in ["a", " ", "你", "\n", "a1", "\u{301}", "!", "👩‍👩‍👧‍👦"] {
        let text = letters.repeat((1 << 20) / letters.len());
        let body = asked(json!([{"role": "user", "content": text}]));
        usage(b"", &Delivered::Nothing, "m");
        let began = std::time::Instant::now();
        assert!(usage(&body, &Delivered::Nothing, "m").prompt_tokens > 7);
        let took = began.elapsed();
        assert!(took.as_secs() < 5, "{letters:?} took {took:?}");
    }
}

#[test]
fn omitted_words_of_a_stream_count_too() {
    let mut answer = Delivered::Nothing;
    let long = "x".repeat(1 << 20);
    let push = |answer: &mut Delivered| {
        let chunk = json!({"choices": [{"index": 0, "delta": {"content": long}}]});
        answer.push(format!("data: {chunk}\n\n").as_bytes());
    };
    (0..16).for_each(|_| push(&mut answer));
    let kept = usage(b"", &answer, "m").completion_tokens;
    (0..16).for_each(|_| push(&mut answer));
    assert_eq!(answer.omitted_bytes(), 16 << 20);
    assert_eq!(usage(b"", &answer, "m").completion_tokens, 2 * kept);
}

#[tokio::test]
async fn a_full_queue_counts_at_once_by_the_cheap_rule() {
    let estimator = Estimator::with_room(1000);
    let (release, released) = mpsc::channel::<()>();
    let (busy, is_busy) = mpsc::channel();
    // Larger than the whole queue: accepted, since nothing else waits.
    let held = job(vec![b' '; 1000]);
    estimator.submit(held, move |_| {
        busy.send(()).unwrap();
        released.recv().unwrap();
    });
    is_busy.recv().unwrap();
    let body = asked(json!([{"role": "user", "content": "12 bytes it!"}]));
    let (counted, counts) = mpsc::channel();
    estimator.submit(job(body), move |usage| {
        let name = std::thread::current().name().map(str::to_owned);
        counted.send((name, usage)).unwrap();
    });
    // Before the thread is free again.
    let (name, usage) = counts.try_recv().unwrap();
    assert_ne!(name.as_deref(), Some("nexus-estimate"));
    // 3 for the message, 3 for the reply, and four for 16 bytes of role and text.
    assert_eq!(usage.prompt_tokens, 10);
    release.send(()).unwrap();
    estimator.close().await.unwrap();
}

#[tokio::test]
async fn close_finishes_what_is_queued_and_later_jobs_are_counted_too() {
    let estimator = Estimator::new();
    let body = asked(json!([{"role": "user", "content": "Hello, world!"}]));
    let expected = usage(&body, &Delivered::Nothing, "gpt-4o");
    let (counted, counts) = mpsc::channel();
    for _ in 0..100 {
        let counted = counted.clone();
        estimator.submit(job(body.clone()), move |usage| {
            let name = std::thread::current().name().map(str::to_owned);
            counted.send((name, usage)).unwrap();
        });
    }
    estimator.close().await.unwrap();
    let counts: Vec<_> = counts.try_iter().collect();
    assert_eq!(counts.len(), 100);
    for count in counts {
        assert_eq!(count, (Some("nexus-estimate".to_owned()), expected));
    }
    let (late, lates) = mpsc::channel();
    estimator.submit(job(body), move |usage| {
        late.send(usage.prompt_tokens).unwrap()
    });
    assert_eq!(lates.try_recv(), Ok(3 + 3 + 5));
    estimator.close().await.unwrap();
}
