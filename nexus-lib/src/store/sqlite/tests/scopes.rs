//! Whose name a conversation's is.

use std::sync::Arc;

use rusqlite::{Connection, params};

use super::{Place, open_row, settlement};
use crate::secret::KeyHash;
use crate::store::{LedgerQueries, LedgerStore, LedgerWrite, RowPage};
use crate::wire::{ConversationId, ConversationScope, RequestId, TimeRange, Timestamp};

fn named(name: &str) -> ConversationId {
    name.parse().unwrap()
}

#[tokio::test]
async fn one_name_in_two_scopes_is_two_conversations() {
    let place = Place::new();
    let store = place.open().await;
    let (a, b) = (KeyHash::of(b"a").scope(), KeyHash::of(b"b").scope());
    for scope in [a, b, a] {
        let mut row = open_row("n");
        row.conversation_id = named("n").within(scope);
        let whole = LedgerWrite::Whole(row, settlement(1, 1));
        store.append(Arc::new(vec![whole])).await.unwrap();
    }
    let totals = store.totals(TimeRange::default()).await.unwrap();
    assert_eq!(totals.total_conversations, 2);
    let read = async |id: ConversationId| {
        let found = store
            .conversation(&id, RowPage::default())
            .await
            .unwrap()
            .unwrap();
        (found.rounds, found.conversation_scope, found.other_scopes)
    };
    let text = |scope: ConversationScope| scope.to_string();
    assert_eq!(read(named("n")).await, (2, Some(text(a)), vec![text(b)]));
    assert_eq!(
        read(named("n").within(b)).await,
        (1, Some(text(b)), vec![text(a)])
    );
    let unknown = named("n").within(KeyHash::of(b"c").scope());
    assert_eq!(
        store
            .conversation(&unknown, RowPage::default())
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn rows_of_an_earlier_version_get_the_scope_of_their_key() {
    let place = Place::new();
    let key = KeyHash::of(b"client-key");
    {
        let raw = Connection::open(place.path()).unwrap();
        raw.execute_batch(include_str!("../migrations/0001.sql"))
            .unwrap();
        raw.pragma_update(None, "application_id", 0x4E58_5553)
            .unwrap();
        raw.pragma_update(None, "user_version", 1).unwrap();
        raw.execute(
            "INSERT INTO providers (id, name, kind, server_url, server_key, client_key, client_key_mask, description,
                 enabled, priority, weight, created_at, updated_at)
             VALUES (1, 'p', 'openai', 'http://h/v1', x'00', ?1, 'm', '', 1, 0, 1, 0, 0)",
            params![key.as_bytes()],
        )
        .unwrap();
        // Of a provider that is there, and of one that is gone.
        for provider in [1, 2] {
            let id = RequestId::new();
            raw.execute(
                "INSERT INTO ledger (seq, tail, conversation_id, begins, provider_id, provider, model, operation, stream,
                     state, status, attempts, started_at, duration_ms)
                 VALUES (?1, ?2, 'n' || ?3, 1, ?3, 'p', 'm', 'chat.completion', 0, 1, 200, 1, ?4, 9)",
                params![id.seq(), id.tail(), provider, Timestamp::now().as_micros()],
            )
            .unwrap();
        }
    }
    let store = place.open().await;
    // The same client goes on with its conversation, and with one whose owner is not known any
    // more.
    for name in ["n1", "n2"] {
        let mut row = open_row(name);
        row.conversation_id = named(name).within(key.scope());
        let whole = LedgerWrite::Whole(row, settlement(1, 1));
        store.append(Arc::new(vec![whole])).await.unwrap();
        let found = store
            .conversation(&named(name), RowPage::default())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (found.rounds, found.conversation_scope),
            (2, Some(key.scope().to_string())),
            "{name}"
        );
        assert_eq!(
            found
                .requests
                .iter()
                .filter(|row| row.conversation_scope.is_none())
                .count(),
            usize::from(name == "n2")
        );
    }
    let other = named("n1").within(KeyHash::of(b"another").scope());
    assert_eq!(
        store
            .conversation(&other, RowPage::default())
            .await
            .unwrap(),
        None
    );
}
