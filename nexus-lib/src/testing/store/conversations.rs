use std::time::Duration;

use super::append;
use super::rows::{end, open};
use crate::store::{LedgerQueries, LedgerStore, LedgerWrite as Write, RowPage, Settlement};
use crate::wire::{
    ConversationId, ConversationMark, ConversationScope, RequestId, TimeRange, Timestamp,
};

pub(super) async fn apart(store: &(impl LedgerStore + LedgerQueries)) {
    let [mine, theirs] = [[1; 8], [2; 8]].map(|scope| {
        let name: ConversationId = "name".parse().expect("a name is an id");
        name.within(ConversationScope::from_bytes(scope))
    });
    let mut ids = Vec::new();
    for (tokens, conversation) in [(1, &mine), (10, &theirs), (2, &mine), (4, &mine)] {
        let mut row = open();
        row.conversation_id = conversation.clone();
        ids.push(row.request_id);
        let settlement = end(&row, tokens, 0);
        append(store, [Write::Whole(row, settlement)]).await;
    }
    // One that is named after the request that began it.
    let first = open();
    let mut next = open();
    next.conversation_id = ConversationId::begun_by(first.request_id);
    let settlement = end(&first, 100, 0);
    for row in [first.clone(), next] {
        append(store, [Write::Whole(row, settlement.clone())]).await;
    }

    let read = async |id: &ConversationId, page: RowPage| {
        let found = store.conversation(id, page).await;
        let found = found.expect("a conversation can be read");
        found.map(|found| {
            let rows: Vec<RequestId> = found.requests.iter().map(|row| row.request_id).collect();
            (found.rounds, found.prompt_tokens, rows)
        })
    };
    let all = RowPage::default();
    let found = read(&mine, all).await;
    let expected = Some((3, 7, vec![ids[0], ids[2], ids[3]]));
    assert_eq!(
        found, expected,
        "a conversation has its own rows, oldest first"
    );
    let newest = RowPage {
        limit: Some(2),
        ..all
    };
    let found = read(&mine, newest).await;
    let expected = Some((3, 7, vec![ids[2], ids[3]]));
    assert_eq!(
        found, expected,
        "a page has the newest rows, and the sums of all"
    );
    let found = read(&theirs, all).await;
    let expected = Some((1, 10, vec![ids[1]]));
    assert_eq!(
        found, expected,
        "one name in another scope is another conversation"
    );
    let found = read(&ConversationId::begun_by(first.request_id), all).await;
    let sums = found.map(|(rounds, tokens, _)| (rounds, tokens));
    assert_eq!(
        sums,
        Some((2, 200)),
        "a conversation is found by its first request"
    );
    let unknown = ConversationId::begun_by(RequestId::new());
    assert_eq!(
        read(&unknown, all).await,
        None,
        "no request carries that id"
    );
    let totals = store
        .totals(TimeRange::ALL)
        .await
        .expect("totals can be read");
    assert_eq!(
        totals.total_conversations, 3,
        "each conversation begins once"
    );
}

pub(super) async fn recalled(store: &(impl LedgerStore + LedgerQueries)) {
    let now = Timestamp::now();
    let ages = [7200, 600, 60];
    for (bits, age) in (1u128..).zip(ages) {
        let mut row = open();
        row.started_at = now.saturating_sub(Duration::from_secs(age));
        let settlement = Settlement {
            mark: Some(ConversationMark::from_bits(bits)),
            ..end(&row, 1, 1)
        };
        append(store, [Write::Whole(row, settlement)]).await;
    }
    let recalled = async |memory, most| {
        let marks = store
            .recall_conversations(now, Duration::from_secs(memory), most)
            .await;
        let marks = marks.expect("conversations can be recalled");
        marks
            .iter()
            .map(|(mark, _, _)| mark.bits())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        recalled(1800, 10).await,
        [2, 3],
        "marks of calls that ended lately, oldest first"
    );
    assert_eq!(recalled(1800, 1).await, [3], "of too many, the newest");
    assert_eq!(recalled(30, 10).await, [], "none that ended before");
}
