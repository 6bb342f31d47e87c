use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::any_answer::any_picture;
use crate::translate::{BlockKind, Delta, Event, Finish, TokenCounts};
use crate::wire::Usage;

/// Any events in any order, as no provider would send them.
pub(super) fn any_events() -> impl Strategy<Value = Vec<Event>> {
    vec(any_event(), 0..24)
}

fn any_event() -> impl Strategy<Value = Event> {
    let text = || any::<String>();
    let block = || 0..4_usize;
    prop_oneof![
        1 => (text(), text()).prop_map(|(id, model)| Event::Start { id, model }),
        4 => (block(), any_kind()).prop_map(|(block, kind)| Event::Begin { block, kind }),
        8 => (block(), any_delta()).prop_map(|(block, delta)| Event::Delta { block, delta }),
        2 => block().prop_map(|block| Event::End { block }),
        1 => any_picture().prop_map(Event::Picture),
        1 => any_finish().prop_map(Event::Finish),
        1 => any_counts().prop_map(Event::Usage),
        1 => Just(Event::Ping),
        1 => (text(), of(text()), of(text())).prop_map(|(message, kind, code)| Event::Error {
            message,
            kind,
            code
        }),
        1 => Just(Event::Done),
    ]
}

fn any_kind() -> impl Strategy<Value = BlockKind> {
    let text = || any::<String>();
    prop_oneof![
        Just(BlockKind::Text),
        Just(BlockKind::Refusal),
        of(text()).prop_map(|sealed| BlockKind::Reasoning { sealed }),
        (text(), text(), of(text())).prop_map(|(id, name, signature)| BlockKind::ToolCall {
            id,
            name,
            signature,
            client: None,
        }),
    ]
}

fn any_delta() -> impl Strategy<Value = Delta> {
    let text = || any::<String>();
    prop_oneof![
        text().prop_map(Delta::Text),
        text().prop_map(Delta::Arguments),
        text().prop_map(Delta::Signature),
    ]
}

fn any_finish() -> impl Strategy<Value = Finish> {
    let text = || any::<String>();
    prop_oneof![
        Just(Finish::Stop),
        of(text()).prop_map(Finish::StopSequence),
        Just(Finish::Length),
        Just(Finish::ToolCalls),
        Just(Finish::ContentFilter),
        text().prop_map(Finish::Other),
    ]
}

fn any_counts() -> impl Strategy<Value = TokenCounts> {
    any::<[u64; 6]>().prop_map(|figures| TokenCounts {
        usage: Usage {
            prompt_tokens: figures[0],
            completion_tokens: figures[1],
            total_tokens: figures[2],
            cached_tokens: figures[3],
            reasoning_tokens: figures[4],
        },
        cache_write_tokens: figures[5],
    })
}
