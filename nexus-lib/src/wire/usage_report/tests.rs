use serde_json::{Value, json};

use super::*;

fn usage(figures: [u64; 5]) -> Usage {
    let [
        prompt_tokens,
        completion_tokens,
        total_tokens,
        cached_tokens,
        reasoning_tokens,
    ] = figures;
    Usage {
        prompt_tokens,
        completion_tokens,
        total_tokens,
        cached_tokens,
        reasoning_tokens,
    }
}

#[test]
fn reads_what_upstreams_write() {
    let table = [
        // OpenAI
        (
            json!({"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29,
                "prompt_tokens_details": {"cached_tokens": 8, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 4, "accepted_prediction_tokens": 0}}),
            [19, 10, 29, 8, 4],
        ),
        // vLLM, Mistral: details null or absent
        (
            json!({"prompt_tokens": 5, "total_tokens": 7, "completion_tokens": 2, "prompt_tokens_details": null}),
            [5, 2, 7, 0, 0],
        ),
        (
            json!({"prompt_tokens": 5, "completion_tokens": 2}),
            [5, 2, 7, 0, 0],
        ),
        (
            json!({"prompt_tokens": 5, "completion_tokens": null, "total_tokens": null}),
            [5, 0, 5, 0, 0],
        ),
        (
            json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}),
            [0; 5],
        ),
        // DeepSeek
        (
            json!({"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15,
                "prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 8}),
            [12, 3, 15, 4, 0],
        ),
        // xAI: reasoning beside the completion
        (
            json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115,
                "completion_tokens_details": {"reasoning_tokens": 100}}),
            [10, 105, 115, 0, 100],
        ),
        // Reasoning inside the completion
        (
            json!({"prompt_tokens": 10, "completion_tokens": 105, "total_tokens": 115,
                "completion_tokens_details": {"reasoning_tokens": 100}}),
            [10, 105, 115, 0, 100],
        ),
        (
            json!({"input_tokens": 3, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 1},
                "output_tokens_details": {"reasoning_tokens": 2}}),
            [3, 4, 7, 1, 2],
        ),
        // Both families of names: OpenAI's takes precedence, whatever the order
        (
            json!({"input_tokens": 1, "prompt_tokens": 3, "output_tokens": 9, "completion_tokens": 0}),
            [3, 0, 3, 0, 0],
        ),
        (
            json!({"prompt_tokens": 12.0, "completion_tokens": -3, "total_tokens": -1.5}),
            [12, 0, 0, 0, 0],
        ),
        (
            json!({"prompt_tokens": "12", "completion_tokens": {"x": 1}, "cached_tokens": 2}),
            [12, 0, 12, 2, 0],
        ),
        (
            json!({"prompt_tokens": u64::MAX, "completion_tokens": 1e300}),
            [
                1_000_000_000_000,
                1_000_000_000_000,
                2_000_000_000_000,
                0,
                0,
            ],
        ),
    ];
    for (json, figures) in table {
        let text = json.to_string();
        let report = UsageReport::read(text.as_bytes()).expect(&text);
        assert_eq!(report.usage(), usage(figures), "{text}");
        let from_value: UsageReport = serde_json::from_value(json).unwrap();
        assert_eq!(from_value, report);
    }
}

#[test]
fn keeps_a_gap_apart_from_a_zero() {
    let gaps = [
        "{}",
        "null",
        "[]",
        "true",
        "7",
        r#"{"x":1}"#,
        r#"{"prompt_tokens":null}"#,
        r#"{"prompt_tokens":[1]}"#,
        "{",
        "",
    ];
    for gap in gaps {
        assert_eq!(UsageReport::read(gap.as_bytes()), None, "{gap}");
    }
    assert!(UsageReport::read(br#"{"completion_tokens":0}"#).is_some());
}

#[test]
fn takes_the_last_of_a_repeated_name() {
    let report = UsageReport::read(br#"{"prompt_tokens":1,"prompt_tokens":2}"#).unwrap();
    assert_eq!(report.prompt_tokens, 2);
}

#[test]
fn writes_the_shape_of_openai() {
    let usage = usage([19, 10, 29, 8, 4]);
    let json = serde_json::to_value(UsageReport::from(usage)).unwrap();
    let wanted: Value = json!({
        "prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29,
        "prompt_tokens_details": {"cached_tokens": 8},
        "completion_tokens_details": {"reasoning_tokens": 4},
    });
    assert_eq!(json, wanted);
    let read = UsageReport::read(json.to_string().as_bytes()).unwrap();
    assert_eq!(read.usage(), usage);
}
