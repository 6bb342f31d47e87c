use serde_json::{Value, json};

use super::*;
use crate::translate::Losses;

fn asked(body: &Value, protocol: Protocol) -> std::result::Result<(Request, Vec<String>), String> {
    let mut losses = Losses::new(false);
    let read = read(body.to_string().as_bytes(), protocol, &mut losses);
    let read = read.map_err(|error| error.param().unwrap_or_default().to_owned())?;
    Ok((read, losses.dropped().to_vec()))
}

#[test]
fn requests_are_translated_for_each_provider() {
    let body = json!({"model": "m", "input": ["a", "b"], "dimensions": 8, "user": "u", "task_type": "RETRIEVAL_QUERY",
        "keep_alive": "5m", "num_ctx": 512});
    let (request, left_out) = asked(&body, Protocol::Gemini).unwrap();
    assert_eq!(left_out, ["user", "keep_alive", "num_ctx"]);
    let written = |inputs: &[String]| -> Value {
        let body = Protocol::Gemini
            .write(&request, inputs, "models/e-1")
            .unwrap();
        serde_json::from_slice(&body).unwrap()
    };
    let one = json!({"model": "models/e-1", "content": {"parts": [{"text": "a"}]}, "taskType": "RETRIEVAL_QUERY",
        "outputDimensionality": 8});
    assert_eq!(written(&request.inputs[..1]), one);
    assert_eq!(written(&request.inputs)["requests"][0], one);
    let (request, left_out) = asked(&body, Protocol::Ollama).unwrap();
    assert_eq!(left_out, ["user", "task_type"]);
    let written = Protocol::Ollama
        .write(&request, &request.inputs, "e")
        .unwrap();
    let written: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(
        written,
        json!({"model": "e", "input": ["a", "b"], "dimensions": 8, "keep_alive": "5m", "options": {"num_ctx": 512}})
    );
}

#[test]
fn what_is_no_text_is_refused_by_name() {
    for (member, param) in [
        (json!({"input": [1, 2]}), "input"),
        (json!({"input": [[1], [2]]}), "input"),
        (json!({"input": []}), "input"),
        (json!({"input": {"a": 1}}), "input"),
        (json!({}), "input"),
        (
            json!({"input": "a", "encoding_format": "hex"}),
            "encoding_format",
        ),
        (json!({"input": "a", "dimensions": "many"}), "dimensions"),
    ] {
        let mut body = json!({"model": "m"});
        body.as_object_mut()
            .unwrap()
            .extend(member.as_object().unwrap().clone());
        for protocol in [Protocol::Gemini, Protocol::Ollama] {
            assert_eq!(
                asked(&body, protocol).err(),
                Some(param.to_owned()),
                "{body}"
            );
        }
    }
}

#[test]
fn answers_of_another_shape_are_none() {
    for (protocol, body) in [
        (Protocol::Gemini, r#"{"embeddings":[{"values":[1.0]}]}"#),
        (Protocol::Gemini, r#"{"embedding":{"values":[1.0]}}"#),
        (
            Protocol::Gemini,
            r#"{"embeddings":[{"values":[1.0]},{"values":[]}]}"#,
        ),
        (
            Protocol::Gemini,
            r#"{"embeddings":[{"values":[1.0]},{"values":["x"]}]}"#,
        ),
        (Protocol::Gemini, r#"{"candidates":[]}"#),
        (Protocol::Ollama, r#"{"embeddings":[[1.0],null]}"#),
        (Protocol::Ollama, r#"{"embedding":[1.0]}"#),
        (Protocol::Ollama, "[]"),
        (Protocol::Ollama, ""),
    ] {
        let error = protocol.read(body.as_bytes(), 2).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UpstreamInvalid, "{body}");
    }
}
