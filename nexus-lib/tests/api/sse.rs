//! Event streams in all forms that upstreams use: the bytes pass through unchanged.

use nexus_lib::testing::{Answer, openai};

use crate::support::{Rig, STREAM, STREAM_USAGE};

const DELTA: &str = "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"你好 \u{1f600}\"},\"finish_reason\":null}]}";
const FINISH: &str = "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}";
const USAGE: &str =
    "{\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":4,\"total_tokens\":15}}";

/// Streams `pieces`, each as its own chunk; checks that the client gets `expected`, and the ledger
/// the usage.
async fn passes(request: &'static str, pieces: Vec<Vec<u8>>, expected: &[u8]) {
    let answer = pieces.iter().fold(Answer::events(&[]), Answer::chunk);
    let (rig, _upstream) = Rig::over(answer.end()).await;
    let response = rig.chat(request).await;
    let (got, expected) = (&response.body.content, String::from_utf8_lossy(expected));
    assert_eq!(String::from_utf8_lossy(got), expected);
    let row = rig.row(&response).await;
    assert_eq!(
        (&row["state"], &row["usage_source"]),
        (&"completed".into(), &"reported".into()),
        "{row}"
    );
    assert_eq!(
        (&row["prompt_tokens"], &row["completion_tokens"]),
        (&11.into(), &4.into())
    );
}

/// The four events with `eol` as line end.
fn events(eol: &str) -> [String; 4] {
    [DELTA, FINISH, USAGE, "[DONE]"].map(|data| format!("data: {data}{eol}{eol}"))
}

#[tokio::test]
async fn every_kind_of_line_end() {
    for eol in ["\n", "\r\n", "\r"] {
        let whole = events(eol).concat();
        let pieces = events(eol).map(String::into_bytes).to_vec();
        passes(STREAM_USAGE, pieces.clone(), whole.as_bytes()).await;
        let [delta, finish, _, done] = events(eol);
        passes(STREAM, pieces, format!("{delta}{finish}{done}").as_bytes()).await;
    }
}

#[tokio::test]
async fn one_byte_at_a_time() {
    for eol in ["\n", "\r\n", "\r"] {
        let whole = events(eol).concat();
        let pieces: Vec<_> = whole.bytes().map(|byte| vec![byte]).collect();
        passes(STREAM_USAGE, pieces.clone(), whole.as_bytes()).await;
        let [delta, finish, _, done] = events(eol);
        passes(STREAM, pieces, format!("{delta}{finish}{done}").as_bytes()).await;
    }
}

#[tokio::test]
async fn all_in_one_piece() {
    let [delta, finish, _, done] = events("\n");
    let whole = events("\n").concat().into_bytes();
    passes(STREAM_USAGE, vec![whole.clone()], &whole).await;
    passes(
        STREAM,
        vec![whole],
        format!("{delta}{finish}{done}").as_bytes(),
    )
    .await;
}

#[tokio::test]
async fn a_cut_inside_a_character_at_every_place() {
    let whole = events("\n").concat().into_bytes();
    let start = whole.iter().position(|byte| !byte.is_ascii()).unwrap();
    for cut in start..start + 11 {
        let (head, tail) = whole.split_at(cut);
        passes(STREAM_USAGE, vec![head.to_vec(), tail.to_vec()], &whole).await;
    }
}

#[tokio::test]
async fn comments_blank_lines_and_other_fields() {
    let noise = ": OPENROUTER PROCESSING\n\n";
    let [delta, finish, usage, done] = [DELTA, FINISH, USAGE, "[DONE]"];
    let stream = format!(
        "{noise}\n\n: keep-alive\nevent: message\nid: 1\ndata:{delta}\n\n{noise}retry: 5\ndata: {finish}\n\n{noise}data:{usage}\n\n: bye\n\ndata: {done}\n\n"
    );
    passes(
        STREAM_USAGE,
        vec![stream.clone().into_bytes()],
        stream.as_bytes(),
    )
    .await;
    let shown = stream.replace(&format!("data:{usage}\n\n"), "");
    passes(STREAM, vec![stream.into_bytes()], shown.as_bytes()).await;
}

#[tokio::test]
async fn a_byte_order_mark() {
    let stream = format!("\u{feff}{}", events("\n").concat());
    passes(
        STREAM_USAGE,
        vec![stream.clone().into_bytes()],
        stream.as_bytes(),
    )
    .await;
}

#[tokio::test]
async fn data_on_several_lines() {
    let usage = USAGE.replace("\"usage\"", "\ndata: \"usage\"");
    let stream = format!(
        "data: {DELTA}\n\ndata: {FINISH}\n\ndata: {usage}\n\n{}",
        openai::DONE
    );
    passes(
        STREAM_USAGE,
        vec![stream.clone().into_bytes()],
        stream.as_bytes(),
    )
    .await;
}

#[tokio::test]
async fn a_last_event_without_its_blank_line() {
    for tail in ["data: [DONE]", "data: [DONE]\n"] {
        let [delta, finish, usage, _] = events("\n");
        let stream = format!("{delta}{finish}{usage}{tail}");
        passes(
            STREAM_USAGE,
            vec![stream.clone().into_bytes()],
            stream.as_bytes(),
        )
        .await;
    }
}

#[tokio::test]
async fn usage_in_a_last_event_without_its_blank_line() {
    let [delta, finish, usage, _] = events("\n");
    let stream = format!("{delta}{finish}{}", usage.trim_end());
    passes(
        STREAM_USAGE,
        vec![stream.clone().into_bytes()],
        stream.as_bytes(),
    )
    .await;
}
