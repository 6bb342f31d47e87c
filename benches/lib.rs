//! Benchmarks of NexusAI; see `README.md` beside this file.
//!
//! What all of them send: realistic bodies and events.

/// The model that every request asks for.
pub const MODEL: &str = "gpt-4o-mini";

/// An event of a stream, with its blank line.
pub const EVENT: &str = concat!(
    r#"data: {"id":"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG","object":"chat.completion.chunk","#,
    r#""created":1741570283,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","#,
    r#""system_fingerprint":"fp_44709d6fcb","choices":[{"index":0,"delta":{"content":" assist"},"#,
    r#""logprobs":null,"finish_reason":null}]}"#,
    "\n\n"
);

/// A completion that is not streamed.
pub const COMPLETION: &str = concat!(
    r#"{"id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT","object":"chat.completion","#,
    r#""created":1741569952,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":"#,
    r#"{"role":"assistant","content":"Hello! How can I assist you today?","refusal":null,"#,
    r#""annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":319,"#,
    r#""completion_tokens":10,"total_tokens":329,"prompt_tokens_details":{"cached_tokens":0,"#,
    r#""audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"#,
    r#""accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"service_tier":"default","#,
    r#""system_fingerprint":"fp_44709d6fcb"}"#
);

/// Text as in prompts: escapes, quotes, another script.
const TEXT: &str = r#"The upstream said \"try later\" and closed.\n\n- retries: 3\n- latency: 120 ms\n\t排队的请求会在提交后被唤醒。 "#;

/// A request's body of about `bytes`. `fields` precede its messages, each followed by a comma;
/// `question` goes into its first user message.
pub fn request_body(bytes: usize, fields: &str, question: &str) -> String {
    let mut body = format!(
        r#"{{"model":"{MODEL}",{fields}"temperature":0.7,"messages":[{{"role":"system","content":"You are a careful reviewer."}},{{"role":"user","content":"{question} "#
    );
    // Long conversations are many messages, not one.
    while body.len() + TEXT.len() < bytes {
        if body.len() % 8192 < TEXT.len() {
            body.push_str(
                r#""},{"role":"assistant","content":"Noted."},{"role":"user","content":""#,
            );
        }
        body.push_str(TEXT);
    }
    body.push_str(r#""}]}"#);
    body
}
