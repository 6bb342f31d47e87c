use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use crate::translate::{
    Answered, BlockKind, Delta, Event, Finish, Gathered, Output, Picture, Source, Thought,
    TokenCounts, ToolCall,
};
use crate::wire::Usage;

/// A generated image.
pub(super) fn any_picture() -> impl Strategy<Value = Picture> {
    (select(vec!["image/png", "image/jpeg"]), of("[a-z]{1,8}")).prop_map(
        |(media_type, signature)| Picture {
            source: Source::Data {
                media_type: media_type.to_owned(),
                data: "iVBORw0KGgo=".to_owned(),
            },
            signature,
        },
    )
}

fn any_said(in_chat: bool) -> impl Strategy<Value = Vec<Output>> {
    let text = || "[a-zé世\"\\\\\n ]{1,9}";
    let id = || "[a-zA-Z0-9_-]{1,8}";
    let thought = prop_oneof![
        (text(), id()).prop_map(|(text, signature)| Thought {
            text,
            signature: Some(signature),
            ..Thought::default()
        }),
        id().prop_map(|data| Thought {
            sealed: Some(data),
            ..Thought::default()
        }),
    ];
    let call =
        (id(), id(), of(id()), prop::bool::ANY).prop_map(|(id, name, signature, is_empty)| {
            Output::ToolCall(ToolCall {
                id,
                name,
                arguments: if is_empty {
                    "{}"
                } else {
                    r#"{"a": [1.50, "}"]}"#
                }
                .to_owned(),
                signature,
                client: None,
            })
        });
    let output = (
        vec(thought, 0..3),
        of(text()),
        of(text()),
        vec(any_picture(), 0..3),
        vec(call, 0..3),
    );
    (output, any::<u64>()).prop_map(move |((thoughts, text, refusal, pictures, calls), order)| {
        let mut output: Vec<Output> = thoughts.into_iter().map(Output::Reasoning).collect();
        output.extend(text.map(Output::Text));
        output.extend(refusal.filter(|_| in_chat).map(Output::Refusal));
        let pictures = pictures.into_iter().filter(|_| in_chat);
        output.extend(pictures.map(Output::Picture));
        output.extend(calls);
        if !in_chat && !output.is_empty() {
            // Anthropic's blocks come in any order.
            let len = u64::try_from(output.len()).unwrap();
            output.rotate_left(usize::try_from(order % len).unwrap());
        }
        let mut ids = 0;
        for output in &mut output {
            if let Output::ToolCall(call) = output {
                call.id += &format!("-{ids}");
                ids += 1;
            }
        }
        output
    })
}

/// An answer that a protocol can express.
pub(super) fn any_answer(in_chat: bool) -> impl Strategy<Value = Answered> {
    let finish = prop_oneof![
        Just(Finish::Length),
        Just(Finish::ToolCalls),
        Just(Finish::ContentFilter),
        "[a-z]{1,3}".prop_map(move |text| match in_chat {
            true => Finish::Length,
            false => Finish::StopSequence(Some(text)),
        }),
    ];
    let counts = of(any::<[u16; 5]>());
    (any_said(in_chat), finish, counts).prop_map(|(output, finish, counts)| Answered {
        id: "an-id".to_owned(),
        model: "m".to_owned(),
        output,
        finish,
        usage: counts.map(|counts| {
            let [plain, cached, written, answered, thought] = counts.map(u64::from);
            let prompt_tokens = plain + cached + written;
            let completion_tokens = answered + thought;
            TokenCounts {
                usage: Usage {
                    prompt_tokens,
                    completion_tokens,
                    total_tokens: prompt_tokens + completion_tokens,
                    cached_tokens: cached,
                    reasoning_tokens: thought,
                },
                cache_write_tokens: written,
            }
        }),
    })
}

/// An answer as a stream, in fragments of `size` characters.
pub(super) fn streamed(answered: &Answered, size: usize) -> Vec<Event> {
    let mut events = vec![Event::Start {
        id: answered.id.clone(),
        model: answered.model.clone(),
    }];
    let mut block = 0;
    for output in &answered.output {
        let pieces = |text: &str| -> Vec<String> {
            let letters: Vec<char> = text.chars().collect();
            letters
                .chunks(size)
                .map(|piece| piece.iter().collect())
                .collect()
        };
        let (kind, deltas): (_, Vec<Delta>) = match output {
            Output::Text(text) => (
                BlockKind::Text,
                pieces(text).into_iter().map(Delta::Text).collect(),
            ),
            Output::Refusal(text) => (
                BlockKind::Refusal,
                pieces(text).into_iter().map(Delta::Text).collect(),
            ),
            Output::Reasoning(thought) => {
                let texts = pieces(&thought.text).into_iter().map(Delta::Text);
                let signature = thought.signature.clone().map(Delta::Signature);
                let sealed = thought.sealed.clone();
                (
                    BlockKind::Reasoning { sealed },
                    texts.chain(signature).collect(),
                )
            }
            Output::Picture(picture) => {
                events.push(Event::Picture(picture.clone()));
                continue;
            }
            Output::ToolCall(call) => (
                BlockKind::ToolCall {
                    id: call.id.clone(),
                    name: call.name.clone(),
                    signature: call.signature.clone(),
                    client: call.client.clone(),
                },
                pieces(&call.arguments)
                    .into_iter()
                    .map(Delta::Arguments)
                    .collect(),
            ),
        };
        events.push(Event::Begin { block, kind });
        events.extend(
            deltas
                .into_iter()
                .map(|delta| Event::Delta { block, delta }),
        );
        events.push(Event::End { block });
        block += 1;
    }
    events.push(Event::Finish(answered.finish.clone()));
    events.extend(answered.usage.map(Event::Usage));
    events.push(Event::Done);
    events
}

/// The assembled content of a stream.
pub(in crate::translate::tests) fn gathered(events: Vec<Event>) -> Answered {
    let mut gathered = Gathered::default();
    for event in events {
        gathered.push(event);
    }
    gathered.into_answer().unwrap().unwrap()
}
