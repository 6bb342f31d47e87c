use bytes::Bytes;

use super::*;
use crate::call::{Observed, Piece};
use crate::error::{ErrorKind, Result};
use crate::wire::Usage;

fn tokens(prompt_tokens: u64, completion_tokens: u64) -> Option<Usage> {
    Some(Usage {
        prompt_tokens,
        completion_tokens,
        total_tokens: prompt_tokens + completion_tokens,
        ..Usage::default()
    })
}

/// The whole stream's bytes and observations, pushed in `chunks`.
fn pass<'a>(hide_usage: bool, chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Piece> {
    let mut tap = ChunkTap::new(hide_usage);
    let (mut bytes, mut observed) = (Vec::new(), Observed::default());
    let mut add = |piece: Piece| {
        bytes.extend_from_slice(&piece.bytes);
        observed.merge(piece.observed);
    };
    for chunk in chunks {
        add(tap.push(Bytes::copy_from_slice(chunk))?);
    }
    add(tap.finish()?);
    assert!(tap.has_events());
    Ok(Piece {
        bytes: bytes.into(),
        observed,
    })
}

/// Passes `stream` whole, byte by byte, and split at every position; the observations must be
/// equal.
fn observe(hide_usage: bool, stream: &str) -> (String, Observed) {
    let stream = stream.as_bytes();
    let whole = pass(hide_usage, [stream]).unwrap();
    assert_eq!(pass(hide_usage, stream.chunks(1)).unwrap(), whole);
    for at in 0..=stream.len() {
        let parts = pass(hide_usage, [&stream[..at], &stream[at..]]).unwrap();
        assert_eq!(parts, whole, "cut at {at}");
    }
    (
        String::from_utf8(whole.bytes.to_vec()).unwrap(),
        whole.observed,
    )
}

/// Reads a stream of which nothing may be hidden.
fn observe_untouched(stream: &str) -> Observed {
    let (bytes, observed) = observe(true, stream);
    assert_eq!(bytes, stream);
    observed
}

const OPENAI: [&str; 5] = [
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}],\"usage\":null}\n\n",
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"你好\"},\"finish_reason\":null}],\"usage\":null}\n\n",
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n",
    "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":19,\"completion_tokens\":10,\"total_tokens\":29}}\n\n",
    "data: [DONE]\n\n",
];

#[test]
fn openai_usage_is_seen_and_hidden_if_not_asked_for() {
    let stream = OPENAI.concat();
    for hide_usage in [false, true] {
        let (bytes, observed) = observe(hide_usage, &stream);
        let wanted = match hide_usage {
            true => stream.replace(OPENAI[3], ""),
            false => stream.clone(),
        };
        assert_eq!(bytes, wanted);
        assert_eq!(observed.usage, tokens(19, 10));
        assert!(observed.finished && observed.terminal && observed.error.is_none());
    }
}

#[test]
fn reports_each_observation_with_its_piece() {
    let mut tap = ChunkTap::new(true);
    let mut seen = Vec::new();
    for event in OPENAI {
        let piece = tap.push(event.into()).unwrap();
        let observed = piece.observed;
        seen.push((
            piece.bytes.len(),
            observed.finished,
            observed.usage.is_some(),
            observed.terminal,
        ));
    }
    let len = |at: usize| OPENAI[at].len();
    assert_eq!(seen[0], (len(0), false, false, false));
    assert_eq!(seen[2], (len(2), true, false, false));
    assert_eq!(seen[3], (0, false, true, false));
    assert_eq!(seen[4], (len(4), false, false, true));
}

#[test]
fn hides_without_copying_what_stays_in_one_run() {
    let region = Bytes::from([OPENAI[2], OPENAI[3]].concat());
    let piece = ChunkTap::new(true).push(region.clone()).unwrap();
    assert_eq!(
        (piece.bytes.as_ptr(), &*piece.bytes),
        (region.as_ptr(), OPENAI[2].as_bytes())
    );
    let region = Bytes::from([OPENAI[3], OPENAI[4]].concat());
    let piece = ChunkTap::new(true).push(region.clone()).unwrap();
    assert_eq!(
        (piece.bytes.as_ptr(), &*piece.bytes),
        (region[OPENAI[3].len()..].as_ptr(), OPENAI[4].as_bytes())
    );
    let region = Bytes::from([OPENAI[1], OPENAI[2]].concat());
    let piece = ChunkTap::new(true).push(region.clone()).unwrap();
    assert_eq!(piece.bytes.as_ptr(), region.as_ptr());
}

#[test]
fn azure_begins_without_choices_and_may_lack_a_delta() {
    let observed = observe_untouched(concat!(
        "data: {\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\",\"prompt_filter_results\":[{\"prompt_index\":0}]}\n\n",
        "data: {\"choices\":[],\"usage\":null,\"id\":\"\"}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":null,\"index\":0}],\"id\":\"c\"}\n\n",
        "data: {\"choices\":[{\"content_filter_offsets\":{},\"finish_reason\":\"stop\",\"index\":0}],\"id\":\"\"}\n\n",
        "data: [DONE]\n\n",
    ));
    assert!(observed.finished && observed.terminal);
    assert_eq!((observed.usage, observed.error), (None, None));
}

#[test]
fn vllm_usage_on_every_chunk_counts_last_and_stays() {
    let (bytes, observed) = observe(
        true,
        concat!(
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":null}],\"usage\":{\"prompt_tokens\":5,\"total_tokens\":6,\"completion_tokens\":1}}\n\n",
            "data: {\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":5,\"total_tokens\":7,\"completion_tokens\":2}}\n\n",
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"total_tokens\":8,\"completion_tokens\":3}}\n\n",
            "data: [DONE]\n\n",
        ),
    );
    assert_eq!(observed.usage, tokens(5, 3));
    assert_eq!(bytes.matches("\"usage\"").count(), 2);
    assert!(bytes.ends_with("\"completion_tokens\":2}}\n\ndata: [DONE]\n\n"));
}

#[test]
fn groq_usage_is_counted_once() {
    let end = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"x_groq\":{\"id\":\"r\",\"usage\":{\"queue_time\":0.1,\"prompt_tokens\":9,\"completion_tokens\":2,\"total_tokens\":11}}}\n\n";
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3,\"total_tokens\":12}}\n\n";
    assert_eq!(observe_untouched(end).usage, tokens(9, 2));
    assert_eq!(observe(false, &[end, usage].concat()).1.usage, tokens(9, 3));
    assert_eq!(observe(false, &[usage, end].concat()).1.usage, tokens(9, 3));
}

#[test]
fn mistral_sends_usage_with_the_last_choice() {
    let observed = observe_untouched(concat!(
        "data: {\"id\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":7,\"total_tokens\":9,\"completion_tokens\":2}}\n\n",
        "data: [DONE]\n\n",
    ));
    assert_eq!(observed.usage, tokens(7, 2));
    assert!(observed.finished && observed.terminal);
}

#[test]
fn openrouter_comments_pass_and_errors_are_kept() {
    let observed = observe_untouched(concat!(
        ": OPENROUTER PROCESSING\n\n",
        ": OPENROUTER PROCESSING\n\n",
        "data: {\"id\":\"g\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":null,\"native_finish_reason\":null}]}\n\n",
        "data: {\"id\":\"g\",\"error\":{\"code\":502,\"message\":\"Provider \\\"x\\\" disconnected\"},\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n",
        "data: [DONE]\n\n",
    ));
    assert_eq!(
        observed.error.as_deref(),
        Some("Provider \"x\" disconnected")
    );
    assert!(observed.terminal);
}

#[test]
fn deepseek_keep_alive_is_no_event_and_goes_out_at_once() {
    let mut tap = ChunkTap::new(true);
    assert_eq!(
        tap.push(": keep-alive\n".into()).unwrap().bytes,
        ": keep-alive\n"
    );
    assert!(!tap.has_events());
    let observed = observe_untouched(concat!(
        ": keep-alive\n\n: keep-alive\n",
        "data: {\"choices\":[{\"delta\":{\"content\":null,\"reasoning_content\":\"hm\"},\"finish_reason\":null}],\"usage\":null}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":1,\"total_tokens\":5,\"prompt_cache_hit_tokens\":3}}\n\n",
        "data: [DONE]\n\n",
    ));
    assert_eq!(observed.usage.unwrap().cached_tokens, 3);
}

#[test]
fn ollama_ends_with_crlf_or_without_its_last_newlines() {
    let event = "data:{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"模\"},\"finish_reason\":\"stop\"}]}";
    for stream in [
        format!("{event}\r\n\r\ndata:[DONE]\r\n\r\n"),
        format!("{event}\r\rdata: [DONE]\r"),
        format!("{event}\n\ndata: [DONE]"),
    ] {
        let observed = observe_untouched(&stream);
        assert!(observed.finished && observed.terminal);
    }
    assert!(!observe_untouched(event).terminal);
}

#[test]
fn errors_of_every_shape_are_seen() {
    let long = "长".repeat(600);
    let table = [
        (
            r#"{"error":{"message":"m","type":"t"}}"#.to_owned(),
            Some("m".to_owned()),
        ),
        (r#"{"error":"text"}"#.to_owned(), Some("text".to_owned())),
        (
            r#"[{"error":{"code":429,"message":"quota"}}]"#.to_owned(),
            Some("quota".to_owned()),
        ),
        (
            r#"{"error":{"code":1}}"#.to_owned(),
            Some(r#"{"code":1}"#.to_owned()),
        ),
        (
            format!(r#"{{"error":{{"message":"{long}"}}}}"#),
            Some("长".repeat(500)),
        ),
        (
            r#"{"x_groq":{"error":"over capacity"},"choices":[]}"#.to_owned(),
            Some("over capacity".to_owned()),
        ),
        (
            r#"{"choices":[{"error":{"message":"c"},"finish_reason":"error"}]}"#.to_owned(),
            Some("c".to_owned()),
        ),
        (r#"{"error":null}"#.to_owned(), None),
        (r#"{"error":{}}"#.to_owned(), None),
        (
            r#"{"choices":[{"delta":{"error":"in the answer"}}]}"#.to_owned(),
            None,
        ),
    ];
    for (json, error) in table {
        assert_eq!(
            read_completion(json.as_bytes()).error.as_deref(),
            error.as_deref(),
            "{json}"
        );
        let stream = format!("data: {{\"choices\":[{{}}]}}\n\ndata: {json}\n\n");
        let observed = observe_untouched(&stream);
        assert_eq!(observed.error.as_deref(), error.as_deref(), "{json}");
    }
}

#[test]
fn words_of_the_answer_are_not_taken_for_its_fields() {
    let observed = observe_untouched(concat!(
        "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\":{\\\"prompt_tokens\\\":1} [DONE]\"},\"finish_reason\":null}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"error\",\"usage\":{\"prompt_tokens\":1},\"error\":\"x\",\"finish_reason\":\"y\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"\"}],\"usage\":{}}\n\n",
    ));
    assert_eq!(observed, Observed::default());
}

#[test]
fn usage_split_over_data_lines_is_hidden_whole() {
    let shown = "data: {\"choices\":[{\"delta\":{}}]}\n\n";
    let hidden = ": c\nevent: message\ndata: {\"choices\": [],\ndata: \"usage\" : {\"prompt_tokens\":1}}\nid: 7\n\n";
    let (bytes, observed) = observe(true, &[shown, hidden, shown, hidden].concat());
    assert_eq!(bytes, [shown, ": c\n", shown, ": c\n"].concat());
    assert_eq!(observed.usage, tokens(1, 0));
}

#[test]
fn an_explicit_zero_is_a_figure() {
    let observed =
        read_completion(br#"{"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0}}"#);
    assert_eq!(observed.usage, tokens(0, 0));
}

#[test]
fn a_stream_that_is_cut_or_empty_is_an_error() {
    let cut = |stream: &str| pass(true, [stream.as_bytes()]).unwrap_err().kind();
    assert_eq!(cut(""), ErrorKind::UpstreamInvalid);
    assert_eq!(cut(": keep-alive\n\n"), ErrorKind::UpstreamInvalid);
    assert_eq!(cut("<html>\n\n"), ErrorKind::UpstreamInvalid);
    assert_eq!(cut("data: {\"choices\""), ErrorKind::UpstreamInvalid);
    assert_eq!(
        cut("data: {\"choices\":[{}]}\n\ndata: {\"choices\""),
        ErrorKind::StreamInterrupted
    );
    assert_eq!(
        cut("data: {\"choices\":[{}]}\n\ndata: [DON"),
        ErrorKind::StreamInterrupted
    );
    let over = "data: {\"choices\":[{}]}\n\ndata: [DONE]\n\ndata: {";
    assert_eq!(observe_untouched(over).usage, None);
}

#[test]
fn reads_a_whole_completion() {
    let observed = read_completion(
        "\n\n{\"id\":\"c\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"你好\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}".as_bytes(),
    );
    assert_eq!(observed.usage, tokens(3, 2));
    assert!(observed.finished && !observed.terminal && observed.error.is_none());
    let groq =
        read_completion(br#"{"x_groq":{"usage":{"prompt_tokens":3,"completion_tokens":2}}}"#);
    assert_eq!(groq.usage, tokens(3, 2));
    for body in ["", "null", "<html>", "[1", "{\"choices\":[[]"] {
        assert_eq!(
            read_completion(body.as_bytes()),
            Observed::default(),
            "{body}"
        );
    }
}
