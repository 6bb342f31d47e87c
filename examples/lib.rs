//! Shared by the examples: when to stop.

use std::error::Error;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// Waits for Ctrl-C. With `--once` on the command line it asks `chat_url` one question instead,
/// prints the answer, and returns.
///
/// # Errors
/// When the answer is not a 200.
pub async fn until_done(chat_url: &str, model: &str, key: &str) -> Result<(), Box<dyn Error>> {
    println!("chat at {chat_url} with the key {key}, model {model}");
    if !std::env::args().any(|argument| argument == "--once") {
        return Ok(tokio::signal::ctrl_c().await?);
    }
    let question = format!(
        r#"{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello there!"}}]}}"#
    );
    let request = Request::post(chat_url)
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(question)))?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let (head, body) = client.request(request).await?.into_parts();
    let answer = body.collect().await?.to_bytes();
    println!("{} {}", head.status, String::from_utf8_lossy(&answer));
    if !head.status.is_success() {
        return Err("the question was not answered".into());
    }
    Ok(())
}

/// What the README and the pages of `docs/` show in Rust, compiled and run as doc tests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    mod readme {}
    #[doc = include_str!("../README.zh-CN.md")]
    mod readme_zh {}
    #[doc = include_str!("../docs/embedding.md")]
    mod embedding {}
    #[doc = include_str!("../docs/zh/embedding.md")]
    mod embedding_zh {}
}
