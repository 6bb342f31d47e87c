//! Codex as installed: its tools, and the items of its sessions.

use nexus_lib::testing::RawResponse;
use serde_json::{Value, json};

use super::{KINDS, Says, calls, functions, model};
use crate::protocols::{datas, over, post};
use crate::support::Rig;

const PATCH: &str = "*** Begin Patch\n*** Add File: a.txt\n+\"1\" \\ é 😀\n*** End Patch\n";

fn grammar() -> Value {
    json!({"type": "grammar", "syntax": "lark", "definition": "start: begin_patch hunk+ end_patch"})
}

fn function(name: &str) -> Value {
    let parameters =
        json!({"type": "object", "properties": {"cmd": {"type": "string"}}, "required": ["cmd"]});
    json!({"type": "function", "name": name, "description": "d", "strict": false, "parameters": parameters})
}

/// Codex's request for a model that it knows (`additional_tools`) or does not know (`tools`).
fn session(stream: bool, is_lite: bool) -> Value {
    let custom = json!({"type": "custom", "name": "apply_patch", "description": "Edits files.", "format": grammar()});
    let tools = json!([
        function("exec_command"),
        custom,
        {"type": "namespace", "name": "functions", "description": "", "tools": [custom, function("wait")]},
        {"type": "namespace", "name": "multi_agent_v1", "description": "Sub-agents.", "tools": [function("close_agent")]},
        {"type": "tool_search", "execution": "client", "description": "Finds tools.",
            "parameters": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}},
        {"type": "local_shell"},
        {"type": "web_search", "external_web_access": true},
        {"type": "image_generation", "output_format": "png"},
    ]);
    let mut body = json!({
        "model": "m", "stream": stream, "store": false, "tool_choice": "auto", "parallel_tool_calls": false,
        "reasoning": {"effort": "medium", "summary": "auto"}, "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "01a218ae", "text": {"verbosity": "low"}, "client_metadata": {"session_id": "01a218ae"},
        "input": [
            {"type": "message", "id": "msg_1", "role": "developer", "content": [{"type": "input_text", "text": "You are a coding agent."}]},
            {"type": "message", "id": "msg_2", "role": "user", "content": [{"type": "input_text", "text": "Add a file."}]},
        ],
    });
    match is_lite {
        true => {
            let item = json!({"type": "additional_tools", "id": "at_1", "role": "developer", "tools": tools});
            body["input"].as_array_mut().unwrap().insert(0, item);
        }
        false => body["tools"] = tools,
    }
    body
}

/// The items of an answer, and its events.
fn output(response: &RawResponse, stream: bool) -> (Vec<Value>, Vec<Value>) {
    assert_eq!(response.status, 200, "{}", response.body.text());
    if !stream {
        let answer = response.body.json();
        assert_eq!(answer["status"], "completed", "{answer}");
        return (answer["output"].as_array().unwrap().clone(), Vec::new());
    }
    let events = datas(response.body.text());
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.completed", "{last}");
    (
        last["response"]["output"].as_array().unwrap().clone(),
        events,
    )
}

#[tokio::test]
async fn codex_33263_a_session_runs_through_providers_of_every_kind() {
    for kind in KINDS {
        for (stream, is_lite) in [(true, true), (true, false), (false, true), (false, false)] {
            let rig = Rig::start().await;
            let says = vec![
                Says::Calls("functions__apply_patch", json!({ "input": PATCH })),
                Says::Text("Done."),
            ];
            let upstream = model(&rig, kind, says).await;
            let mut body = session(stream, is_lite);
            let first = rig.ask(&post("/v1/responses", body.to_string())).await;
            let (items, events) = output(&first, stream);

            let dropped = first.header("x-nexus-dropped").unwrap_or_default();
            assert!(dropped.contains("tools.web_search"), "{kind}: {dropped}");
            assert!(
                dropped.contains("tools.image_generation"),
                "{kind}: {dropped}"
            );

            let sent = upstream.request(0).await.json();
            let offered = functions(kind, &sent);
            let names: Vec<&str> = offered.iter().map(|(name, _)| name.as_str()).collect();
            let expected = [
                "exec_command",
                "apply_patch",
                "functions__apply_patch",
                "functions__wait",
                "multi_agent_v1__close_agent",
                "tool_search",
                "local_shell",
            ];
            assert_eq!(names, expected, "{kind}");
            let input = &offered[1].1;
            assert_eq!(
                input["properties"]["input"]["type"], "string",
                "{kind}: {input}"
            );
            assert!(
                sent.to_string().contains("begin_patch hunk+"),
                "{kind}: the grammar is told"
            );

            let call = items.iter().find(|item| item["type"] == "custom_tool_call");
            let call = call.unwrap_or_else(|| panic!("{kind}: {items:?}"));
            assert_eq!(call["name"], "apply_patch");
            assert_eq!(call["namespace"], "functions");
            assert_eq!(call["input"], PATCH);
            assert!(call.get("arguments").is_none(), "{call}");
            if stream {
                let of = |kind: &str| {
                    let kind = format!("response.custom_tool_call_input.{kind}");
                    let events = events.iter().filter(move |event| event["type"] == kind);
                    events.cloned().collect::<Vec<_>>()
                };
                let deltas: String = of("delta")
                    .iter()
                    .map(|event| event["delta"].as_str().unwrap())
                    .collect();
                assert_eq!(deltas, PATCH, "{kind}");
                let done = of("done");
                assert_eq!(done.len(), 1, "{kind}");
                assert_eq!(
                    (&done[0]["input"], &done[0]["item_id"]),
                    (&json!(PATCH), &call["id"])
                );
                let of_functions = events.iter().filter(|event| {
                    event["type"]
                        .as_str()
                        .unwrap()
                        .starts_with("response.function_call")
                });
                assert_eq!(of_functions.count(), 0, "{kind}");
            }

            // The next step sends all items back, with the tool result as a list of parts.
            let list = body["input"].as_array_mut().unwrap();
            let call_id = call["call_id"].clone();
            list.extend(items);
            list.push(json!({"type": "custom_tool_call_output", "call_id": call_id, "output": [
                {"type": "input_text", "text": "Script completed\n"}, {"type": "input_text", "text": "hi\n"},
            ]}));
            // A tool may report again.
            list.push(json!({"type": "custom_tool_call_output", "call_id": call_id, "name": "exec", "output": "and more"}));
            let second = rig.ask(&post("/v1/responses", body.to_string())).await;
            let (items, _) = output(&second, stream);
            assert_eq!(items[0]["content"][0]["text"], "Done.", "{kind}");
            let sent = upstream.request(1).await.json();
            let called = calls(kind, &sent);
            assert_eq!(
                called,
                [("functions__apply_patch".to_owned(), json!({"input": PATCH}))],
                "{kind}"
            );
            let told = sent.to_string();
            assert!(
                told.contains("Script completed") && told.contains("and more"),
                "{kind}: {told}"
            );
            for row in rig.rows().await {
                assert_eq!(row["state"], "completed", "{kind}: {row}");
            }
        }
    }
}

#[tokio::test]
async fn calls_go_back_in_the_words_of_their_tools() {
    for (name, arguments, expected) in [
        (
            "multi_agent_v1__close_agent",
            json!({"cmd": "x"}),
            json!({"type": "function_call", "name": "close_agent", "namespace": "multi_agent_v1"}),
        ),
        // Some models leave the namespace out.
        (
            "close_agent",
            json!({"cmd": "x"}),
            json!({"type": "function_call", "name": "close_agent", "namespace": "multi_agent_v1"}),
        ),
        (
            "local_shell",
            json!({"command": ["ls", "-l"]}),
            json!({"type": "local_shell_call", "action": {"type": "exec", "command": ["ls", "-l"], "env": {}}}),
        ),
        (
            "local_shell",
            json!({"command": "ls -l", "timeout_ms": 5}),
            json!({"type": "local_shell_call", "action": {"command": ["bash", "-lc", "ls -l"], "timeout_ms": 5}}),
        ),
        (
            "tool_search",
            json!({"query": "git"}),
            json!({"type": "tool_search_call", "execution": "client", "arguments": {"query": "git"}}),
        ),
        (
            "exec_command",
            json!({"cmd": "ls"}),
            json!({"type": "function_call", "name": "exec_command", "arguments": "{\"cmd\":\"ls\"}"}),
        ),
    ] {
        for stream in [false, true] {
            let rig = Rig::start().await;
            let _upstream = model(&rig, "openai", vec![Says::Calls(name, arguments.clone())]).await;
            let body = session(stream, false).to_string();
            let (items, _) = output(&rig.ask(&post("/v1/responses", body)).await, stream);
            let call = items.last().unwrap();
            assert_eq!(call["status"], "completed");
            assert_contains(call, &expected);
        }
    }
}

/// Whether all members of `expected` are in `value`.
fn assert_contains(value: &Value, expected: &Value) {
    match expected.as_object() {
        Some(members) => {
            for (name, expected) in members {
                assert_contains(&value[name], expected);
            }
        }
        None => assert_eq!(value, expected),
    }
}

#[tokio::test]
async fn every_item_of_a_history_is_read() {
    let rig = Rig::start().await;
    let upstream = model(&rig, "openai", vec![Says::Text("Done.")]).await;
    let shell = json!({"type": "exec", "command": ["ls"], "env": {}});
    let mut body = session(false, true);
    body["input"].as_array_mut().unwrap().extend([
        json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAsealed"}),
        json!({"type": "function_call", "call_id": "a", "name": "close_agent", "namespace": "multi_agent_v1", "arguments": "{\"cmd\":\"1\"}"}),
        json!({"type": "local_shell_call", "id": "lsh_1", "call_id": "b", "status": "completed", "action": shell}),
        json!({"type": "tool_search_call", "call_id": "c", "execution": "client", "arguments": {"query": "git"}}),
        json!({"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}}),
        json!({"type": "function_call_output", "call_id": "a", "output": [
            {"type": "input_text", "text": "closed"}, {"type": "input_image", "image_url": "data:image/png;base64,AA=="}]}),
        json!({"type": "local_shell_call_output", "id": "lsh_1", "output": "a.txt"}),
        json!({"type": "tool_search_output", "call_id": "c", "status": "completed", "execution": "client", "tools": [
            {"type": "namespace", "name": "mcp__git__", "tools": [function("log")]}]}),
        json!({"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAAsealed"}),
        json!({"type": "configuration_update", "reasoning": {"effort": "high"}}),
        json!({"type": "agent_message", "author": "/root/a", "recipient": "/root", "content": [
            {"type": "input_text", "text": "from the sub-agent"}, {"type": "encrypted_content", "encrypted_content": "x"}]}),
        json!({"type": "item_of_next_year", "id": "x"}),
    ]);
    let response = rig.ask(&post("/v1/responses", body.to_string())).await;
    output(&response, false);
    let dropped = response.header("x-nexus-dropped").unwrap().to_owned();
    for name in [
        "web_search_call",
        "compaction",
        "configuration_update",
        "item_of_next_year",
    ] {
        assert!(dropped.contains(&format!("input.{name}")), "{dropped}");
    }
    let sent = upstream.request(0).await.json();
    let names: Vec<String> = functions("openai", &sent)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert!(names.contains(&"mcp__git__log".to_owned()), "{names:?}");
    let called = calls("openai", &sent);
    assert_eq!(
        called[0],
        (
            "multi_agent_v1__close_agent".to_owned(),
            json!({"cmd": "1"})
        )
    );
    assert_eq!(called[1], ("local_shell".to_owned(), shell));
    assert_eq!(
        called[2],
        ("tool_search".to_owned(), json!({"query": "git"}))
    );
    let messages = sent["messages"].as_array().unwrap();
    let results: Vec<_> = messages
        .iter()
        .filter(|message| message["role"] == "tool")
        .collect();
    let ids: Vec<_> = results
        .iter()
        .map(|message| &message["tool_call_id"])
        .collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert_eq!(
        (&results[0]["content"], &results[1]["content"]),
        (&json!("closed"), &json!("a.txt"))
    );
    assert!(sent.to_string().contains("from the sub-agent"));
}

#[tokio::test]
async fn hosted_tools_are_refused_where_one_is_forced_or_nothing_may_be_left_out() {
    for choice in [json!({"type": "web_search"}), json!("required")] {
        let rig = Rig::start().await;
        let _upstream = model(&rig, "openai", vec![Says::Text("Done.")]).await;
        let body = json!({"model": "m", "input": "hi", "tools": [{"type": "web_search"}], "tool_choice": choice});
        let response = rig.ask(&post("/v1/responses", body.to_string())).await;
        assert_eq!(response.status, 400, "{choice}: {}", response.body.text());
    }
    let rig = Rig::with(|builder| builder.strict(true)).await;
    let _upstream = model(&rig, "openai", vec![Says::Text("Done.")]).await;
    let body = json!({"model": "m", "input": "hi", "tools": [{"type": "web_search"}]});
    let response = rig.ask(&post("/v1/responses", body.to_string())).await;
    assert_eq!(response.status, 400, "{}", response.body.text());
    assert_eq!(response.body.json()["error"]["param"], "tools.web_search");
}

#[tokio::test]
async fn a_provider_of_responses_gets_every_tool_as_it_came() {
    let answer = json!({"id": "resp_1", "object": "response", "status": "completed", "model": "m", "output": []});
    let answer = nexus_lib::testing::Answer::json(200, answer.to_string());
    let (rig, upstream) = over("openai", json!({"protocols": ["responses"]}), answer).await;
    let body = session(false, true);
    let response = rig.ask(&post("/v1/responses", body.to_string())).await;
    assert_eq!(response.status, 200, "{}", response.body.text());
    assert_eq!(response.header("x-nexus-dropped"), None);
    assert_eq!(upstream.request(0).await.body, body.to_string().as_bytes());
}

/// xAI has a Responses API, but rejects these tools there.
#[tokio::test]
async fn xai_gets_the_tools_of_codex_as_functions_and_all_else_as_it_came() {
    let rig = Rig::start().await;
    let script = nexus_lib::testing::Script::by(|request| {
        if request.target.ends_with("/responses") {
            let answer = json!({"id": "resp_1", "object": "response", "status": "completed", "model": "m", "output": []});
            return nexus_lib::testing::Answer::json(200, answer.to_string());
        }
        super::answer("xai", request, &Says::Text("Done."))
    });
    let fields = json!({"protocols": ["chat", "responses"]});
    let upstream = crate::protocols::add(&rig, "xai", fields, script).await;
    let plain = json!({"model": "m", "input": "hi", "tools": [function("f"), {"type": "web_search"}, {"type": "mcp", "server_label": "s"}]});
    let later = json!({"model": "m", "input": [{"role": "user", "content": "hi"},
        {"type": "custom_tool_call", "call_id": "c", "name": "say", "input": "x"},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "said"}]});
    for (body, target) in [
        (plain, "/v1/responses"),
        (session(false, false), "/v1/chat/completions"),
        (session(false, true), "/v1/chat/completions"),
        (later, "/v1/chat/completions"),
    ] {
        let at = upstream.requests().len();
        let response = rig.ask(&post("/v1/responses", body.to_string())).await;
        assert_eq!(response.status, 200, "{}", response.body.text());
        assert_eq!(upstream.request(at).await.target, target);
    }
}
