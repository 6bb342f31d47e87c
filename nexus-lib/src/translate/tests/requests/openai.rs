//! What servers with OpenAI's protocols reject.

use serde_json::json;

use super::*;
use crate::translate::ClientProtocol::{Messages, Responses};

#[test]
fn strict_servers_are_not_sent_what_they_do_not_know() {
    let body = json!({"model": "m", "input": "hi", "prompt_cache_key": "k", "safety_identifier": "s",
        "metadata": {"a": "b"}, "store": false, "text": {"verbosity": "low"}});
    let table: [(Vendor, &[&str]); 4] = [
        (
            Vendor::Groq,
            &["verbosity", "prompt_cache_key", "safety_identifier"],
        ),
        (
            Vendor::Cerebras,
            &[
                "verbosity",
                "prompt_cache_key",
                "safety_identifier",
                "metadata",
            ],
        ),
        (
            Vendor::Mistral,
            &["verbosity", "prompt_cache_key", "safety_identifier"],
        ),
        (Vendor::Other, &[]),
    ];
    for (vendor, left_out) in table {
        let sent = ok(
            Responses,
            &body,
            (ProviderProtocol::Chat, vendor, "some-model"),
        );
        assert_eq!(sent.left_out, left_out, "{vendor:?}");
        for name in left_out {
            assert_eq!(sent.body[name], Value::Null);
        }
    }
    // OpenAI only keeps metadata for stored responses.
    assert_eq!(ok(Responses, &body, OPENAI).left_out, ["metadata"]);
    assert_eq!(
        ok(Responses, &body, RESPONSES).left_out,
        Vec::<String>::new()
    );
}

#[test]
fn mistral_is_asked_in_its_own_words() {
    let mistral = (ProviderProtocol::Chat, Vendor::Mistral, "mistral-large");
    let body = messages(json!([user("hi")]), json!({"metadata": {"user_id": "u"}}));
    let sent = ok(Messages, &body, mistral);
    assert_eq!(sent.body["user"], Value::Null);
    assert_eq!(sent.left_out, ["user"]);
    let mut request = Messages.read_request(body.to_string().as_bytes()).unwrap();
    request.sampling.seed = Some(7);
    let to = Destination {
        protocol: mistral.0,
        vendor: mistral.1,
        model: mistral.2,
    };
    fit::fit(&mut request, to, &mut Losses::new(false)).unwrap();
    let written = mistral
        .0
        .write_request(&request, mistral.2, &mut Losses::new(false))
        .unwrap();
    let written: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(
        (&written["random_seed"], &written["seed"]),
        (&json!(7), &Value::Null)
    );
}

#[test]
fn models_that_think_draw_as_they_like() {
    let body = |temperature: f64| {
        messages(
            json!([user("hi")]),
            json!({"temperature": temperature, "top_p": 0.5, "stop_sequences": ["x"]}),
        )
    };
    for model in ["o3", "gpt-5", "openai/gpt-5-mini", "gpt-6-sol"] {
        for protocol in [ProviderProtocol::Chat, ProviderProtocol::Responses] {
            let sent = ok(Messages, &body(0.2), (protocol, Vendor::Other, model));
            assert_eq!(sent.left_out, ["temperature", "top_p", "stop"], "{model}");
            assert_eq!(sent.body["temperature"], Value::Null);
            // The default is not sent.
            let sent = ok(Messages, &body(1.0), (protocol, Vendor::Other, model));
            assert_eq!(sent.left_out, ["top_p", "stop"], "{model}");
        }
    }
    for model in ["gpt-4o", "gpt-5-chat-latest", "gpt-5.1", "some-model"] {
        let sent = ok(
            Messages,
            &body(0.2),
            (ProviderProtocol::Chat, Vendor::Other, model),
        );
        assert_eq!(sent.left_out, Vec::<String>::new(), "{model}");
        assert_eq!(sent.body["temperature"], 0.2);
    }
}

#[test]
fn efforts_are_for_models_that_take_them() {
    let thinking = json!({"thinking": {"type": "enabled", "budget_tokens": 2048}, "tools": [
        {"name": "f", "input_schema": {"type": "object"}}]});
    let body = messages(json!([user("hi")]), thinking);
    let effort = |model: &str| {
        let sent = ok(
            Messages,
            &body,
            (ProviderProtocol::Chat, Vendor::Other, model),
        );
        (sent.body["reasoning_effort"].clone(), sent.left_out)
    };
    for model in [
        "grok-4",
        "grok-4-fast-reasoning",
        "grok-code-fast-1",
        "x-ai/grok-3",
        "gpt-5.4",
    ] {
        assert_eq!(
            effort(model),
            (Value::Null, vec!["reasoning_effort".to_owned()]),
            "{model}"
        );
    }
    for model in [
        "grok-3-mini",
        "grok-4.3",
        "grok-4.20-multi-agent",
        "gpt-5.1",
        "some-model",
    ] {
        assert_eq!(effort(model), (json!("low"), vec![]), "{model}");
    }
}

#[test]
fn no_more_than_four_texts_end_an_answer() {
    let body = messages(
        json!([user("hi")]),
        json!({"stop_sequences": ["a", "b", "c", "d", "e"]}),
    );
    let groq = (ProviderProtocol::Chat, Vendor::Groq, "some-model");
    for (to, most) in [(OPENAI, 4), (groq, 4), (SERVER, 5)] {
        let sent = ok(Messages, &body, to);
        assert_eq!(sent.body["stop"].as_array().unwrap().len(), most, "{to:?}");
        assert_eq!(sent.left_out.is_empty(), most == 5);
    }
}

#[test]
fn responses_take_no_fewer_than_sixteen_tokens() {
    let sent = ok(
        Messages,
        &messages(json!([user("hi")]), json!({"max_tokens": 1})),
        RESPONSES,
    );
    assert_eq!(sent.body["max_output_tokens"], 16);
    assert_eq!(sent.left_out, ["max_tokens"]);
}

#[test]
fn messages_structured_answers_are_told_by_either_name() {
    let format = json!({"type": "json_schema", "schema": object(json!({}))});
    let either = [
        json!({"output_format": format}),
        json!({"output_config": {"format": format}}),
    ];
    for more in either {
        let body = messages(json!([user("hi")]), more);
        assert_eq!(
            ok(Messages, &body, OPENAI).body["response_format"]["json_schema"]["schema"],
            object(json!({}))
        );
        assert_eq!(
            ok(Messages, &body, OLLAMA).body["format"],
            object(json!({}))
        );
        assert_eq!(
            ok(Messages, &body, GEMINI_3).body["generationConfig"]["responseJsonSchema"],
            object(json!({}))
        );
        assert_eq!(
            ok(Messages, &body, RESPONSES).body["text"]["format"]["schema"],
            object(json!({}))
        );
    }
    let body = messages(
        json!([user("hi")]),
        json!({"output_format": {"type": "grammar"}}),
    );
    assert_eq!(
        sent(Messages, &body, OPENAI, false).err(),
        Some("output_format".to_owned())
    );
}

#[test]
fn the_first_reasoning_models_get_no_parallel_tool_calls() {
    let tools = json!({"tools": [{"name": "f", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": true}});
    let body = messages(json!([user("hi")]), tools);
    let o1 = (ProviderProtocol::Chat, Vendor::Other, "o1");
    let sent = ok(Messages, &body, o1);
    assert_eq!(sent.body["parallel_tool_calls"], Value::Null);
    assert_eq!(sent.left_out, ["parallel_tool_calls"]);
    assert_eq!(
        ok(Messages, &body, OPENAI).body["parallel_tool_calls"],
        false
    );
}
