use proptest::bool::weighted;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::any_answer::any_picture;
use super::any_part::{
    any_cache, any_id, any_image, any_parts, any_text, any_texts, any_written, json,
};
use super::words::Words;
use crate::translate::{
    Format, Json, Output, Reasoning, Request, Sampling, Thought, Tool, ToolCall, ToolChoice,
    ToolResult, Turn,
};

fn any_arguments() -> impl Strategy<Value = String> {
    select(vec![
        "{}",
        r#"{"a": 1.50, "b":[null,"é"]}"#,
        r#"{ "z":{}, "a":"\n" }"#,
    ])
    .prop_map(str::to_owned)
}

fn any_schema() -> impl Strategy<Value = Json> {
    select(vec![
        // Closed, as Anthropic requires.
        r#"{"type": "object", "properties": {"z": {"type": "number", "default": 0.10}, "a": {}}, "additionalProperties": false}"#,
        r#"{"type":"object","properties":{},"additionalProperties":false}"#,
    ])
    .prop_map(json)
}

fn any_thought() -> impl Strategy<Value = Thought> {
    prop_oneof![
        (any_text(), any_id()).prop_map(|(text, signature)| Thought {
            text,
            signature: Some(signature),
            ..Thought::default()
        }),
        any_id().prop_map(|data| Thought {
            sealed: Some(data),
            ..Thought::default()
        }),
    ]
}

fn any_result(words: Words, call_id: String) -> impl Strategy<Value = ToolResult> {
    let parts = match words {
        Words::Messages => vec(prop_oneof![any_written(words), any_image(words)], 0..3).boxed(),
        _ => any_texts(words).boxed(),
    };
    let is_error = weighted(if words == Words::Messages { 0.3 } else { 0.0 });
    (parts, is_error, any_cache(words)).prop_map(move |(parts, is_error, cache)| ToolResult {
        call_id: call_id.clone(),
        parts,
        is_error,
        cache,
    })
}

/// A user message, the model's answer, and the results of its tools.
fn any_round(words: Words) -> impl Strategy<Value = Vec<Turn>> {
    let has_thoughts = words != Words::Chat;
    let thoughts = vec(any_thought(), if has_thoughts { 1..3 } else { 0..1 });
    let texts = vec(any_text(), 1..if words.is_joined() { 2 } else { 3 });
    let calls = vec((any_id(), any_arguments()), 0..3).prop_flat_map(move |calls| {
        let results: Vec<_> = calls
            .iter()
            .enumerate()
            .map(|(at, (id, _))| any_result(words, format!("{id}{at}")))
            .collect();
        (Just(calls), results)
    });
    let signature = of(any_id());
    // OpenAI's own models generate none in chat, and Anthropic's none at all.
    let draws = words == Words::ChatWithThoughts;
    let pictures = vec(any_picture(), 0..if draws { 3 } else { 1 });
    let output = (thoughts, texts, pictures);
    (any_parts(words), output, calls, signature).prop_map(
        move |(parts, (thoughts, texts, pictures), (calls, results), signature)| {
            let mut output: Vec<Output> = thoughts.into_iter().map(Output::Reasoning).collect();
            output.extend(texts.into_iter().map(Output::Text));
            output.extend(pictures.into_iter().map(Output::Picture));
            for (at, (id, arguments)) in calls.into_iter().enumerate() {
                output.push(Output::ToolCall(ToolCall {
                    id: format!("{id}{at}"),
                    name: "a_tool".to_owned(),
                    arguments,
                    signature: signature.clone().filter(|_| !words.in_messages()),
                    client: None,
                }));
            }
            let mut turns = vec![Turn::User(parts), Turn::Assistant(output)];
            turns.extend(results.into_iter().map(Turn::Tool));
            turns
        },
    )
}

fn any_turns(words: Words) -> impl Strategy<Value = Vec<Turn>> {
    (
        of(any_texts(words)),
        vec(any_round(words), 0..3),
        any_parts(words),
    )
        .prop_map(|(system, rounds, last)| {
            let mut turns: Vec<Turn> = system.into_iter().map(Turn::System).collect();
            turns.extend(rounds.into_iter().flatten());
            turns.push(Turn::User(last));
            turns
        })
}

fn any_tool(words: Words) -> impl Strategy<Value = Tool> {
    let strict = match words.in_messages() {
        true => of(Just(true)).boxed(),
        false => of(any::<bool>()).boxed(),
    };
    (
        any_id(),
        of(any_text()),
        any_schema(),
        strict,
        any_cache(words),
    )
        .prop_map(|(name, description, parameters, strict, cache)| Tool {
            name,
            description,
            parameters: Some(parameters),
            strict,
            cache,
            client: None,
        })
}

fn any_format(words: Words) -> impl Strategy<Value = Option<Format>> {
    let schema =
        (any_schema(), any_id(), of(any_text())).prop_map(move |(schema, name, description)| {
            Format::Schema {
                name: match words.in_messages() {
                    true => "answer".to_owned(),
                    false => name,
                },
                description: description.filter(|_| !words.in_messages()),
                schema,
                strict: Some(true),
            }
        });
    match words.in_messages() {
        true => of(schema).boxed(),
        false => of(prop_oneof![Just(Format::Text), Just(Format::Json), schema]).boxed(),
    }
}

fn any_reasoning(words: Words) -> BoxedStrategy<Option<Reasoning>> {
    let effort = |effort: &str| Reasoning {
        effort: Some(effort.to_owned()),
        ..Reasoning::default()
    };
    let plain = select(vec!["low", "medium", "high"]).prop_map(effort);
    match words {
        Words::Chat => of(prop_oneof![
            plain,
            Just(effort("minimal")),
            Just(effort("xhigh"))
        ])
        .boxed(),
        Words::ChatWithThoughts => of(plain).boxed(),
        // In chat an effort is only an effort; in Messages it also enables thinking.
        Words::Both => of(plain).boxed(),
        Words::Messages => {
            let shown = (plain, of(any::<bool>())).prop_map(|(reasoning, is_shown)| Reasoning {
                is_shown,
                ..reasoning
            });
            let budget = (1024..3072_u64).prop_map(|budget| Reasoning {
                budget_tokens: Some(budget),
                ..Reasoning::default()
            });
            of(prop_oneof![
                shown,
                budget,
                Just(effort("none")),
                Just(Reasoning::default())
            ])
            .boxed()
        }
    }
}

fn any_sampling(words: Words, may_set: bool) -> impl Strategy<Value = Sampling> {
    let number = |most: u32| of((0..=most).prop_map(|hundredths| f64::from(hundredths) / 100.0));
    let top_k = of(1..100_u64);
    (
        number(200),
        number(100),
        top_k,
        number(100),
        of(any::<i64>()),
    )
        .prop_map(move |(temperature, top_p, top_k, penalty, seed)| {
            match words.in_messages() {
                true if !may_set => Sampling::default(),
                true => Sampling {
                    temperature: temperature.map(|temperature| temperature / 2.0),
                    top_p: top_p.filter(|_| temperature.is_none()),
                    top_k: top_k.filter(|_| !words.in_chat()),
                    ..Sampling::default()
                },
                false => Sampling {
                    temperature,
                    top_p,
                    top_k: None,
                    frequency_penalty: penalty,
                    presence_penalty: penalty.map(|penalty| -penalty),
                    seed,
                },
            }
        })
}

fn any_extra(words: Words) -> BoxedStrategy<Vec<(String, Json)>> {
    let own = |name: &str, text: &str| (name.to_owned(), json(text));
    match words {
        Words::Messages => Just(vec![own("service_tier", r#""auto""#)]).boxed(),
        Words::Both => Just(Vec::new()).boxed(),
        Words::Chat | Words::ChatWithThoughts => prop::sample::subsequence(
            vec![
                own("n", "2"),
                own("logit_bias", r#"{"50256": -100}"#),
                own("stream_options", r#"{"include_usage": true, "other": 1.0}"#),
                own("metadata", r#"{"a": "b"}"#),
            ],
            0..4,
        )
        .boxed(),
    }
}

/// Anthropic requires the tools of all calls that were made.
fn without_calls(turns: Vec<Turn>) -> Vec<Turn> {
    let turns = turns.into_iter().filter_map(|turn| match turn {
        Turn::Tool(_) => None,
        Turn::Assistant(mut output) => {
            output.retain(|output| !matches!(output, Output::ToolCall(_)));
            Some(Turn::Assistant(output))
        }
        turn => Some(turn),
    });
    turns.collect()
}

/// A request that can be written in `words`, and read back unchanged.
pub(super) fn any_request(words: Words) -> impl Strategy<Value = Request> {
    let choice = prop_oneof![
        Just(ToolChoice::Auto),
        Just(ToolChoice::None),
        Just(ToolChoice::Required),
        any_id().prop_map(ToolChoice::Named),
    ];
    let tools = vec(any_tool(words), 0..3).prop_map(|mut tools| {
        // No provider accepts two with the same name.
        tools.dedup_by(|one, other| one.name == other.name);
        tools
    });
    let tools = (tools, of(choice), of(any::<bool>()));
    let limits = (
        any::<bool>(),
        vec(any_text(), 0..3),
        4096..60_000_u64,
        of(any_id()),
    );
    let reasoning = any_reasoning(words).prop_flat_map(move |reasoning| {
        let sampling = any_sampling(words, reasoning.is_none());
        (Just(reasoning), sampling)
    });
    let rest = (reasoning, any_format(words), any_extra(words));
    (any_turns(words), tools, limits, rest).prop_map(
        move |(turns, (tools, choice, parallel), (stream, stop, max_tokens, user), rest)| {
            let ((reasoning, sampling), format, extra) = rest;
            let turns = match words.in_messages() && tools.is_empty() {
                true => without_calls(turns),
                false => turns,
            };
            let thinks = reasoning
                .as_ref()
                .is_some_and(|reasoning| reasoning.effort.as_deref() != Some("none"));
            // Anthropic: no choice without tools, no forced call with reasoning, and parallel calls
            // are part of the choice.
            let tool_choice = choice.filter(|choice| {
                let is_forced = matches!(choice, ToolChoice::Required | ToolChoice::Named(_));
                !words.in_messages() || !(tools.is_empty() || thinks && is_forced)
            });
            let parallel_tool_calls = parallel.filter(|_| match &tool_choice {
                None | Some(ToolChoice::None) => !words.in_messages(),
                Some(_) => true,
            });
            Request {
                model: words.model().to_owned(),
                stream,
                turns,
                tools,
                tool_choice,
                parallel_tool_calls,
                format,
                stop,
                max_tokens: Some(max_tokens),
                sampling,
                reasoning,
                user,
                extra,
            }
        },
    )
}
