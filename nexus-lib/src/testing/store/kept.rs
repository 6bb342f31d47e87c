use super::append;
use super::rows::{OWNER, end, open};
use crate::store::{LedgerQueries, LedgerStore, LedgerWrite as Write, Owners, RequestState};

pub(super) async fn check(store: &(impl LedgerStore + LedgerQueries)) {
    let Some(outbox) = store.outbox() else { return };
    let early = open();
    append(store, [Write::Whole(early.clone(), end(&early, 1, 1))]).await;
    let none = outbox.kept(0, 10).await.expect("the outbox can be read");
    assert!(none.rows.is_empty(), "nothing is kept before it is wanted");

    outbox.keep().await.expect("rows can be kept");
    let [first, second, lost] = [open(), open(), open()];
    // Settled in another order than opened.
    append(store, [&first, &lost].map(|row| Write::Open(row.clone()))).await;
    append(store, [Write::Whole(second.clone(), end(&second, 2, 2))]).await;
    append(store, [Write::Settle(first.request_id, end(&first, 1, 1))]).await;
    // What is settled already is not kept again.
    append(store, [Write::Settle(first.request_id, end(&first, 1, 1))]).await;
    store
        .recover(Owners::Gateway(OWNER))
        .await
        .expect("open rows can be recovered");

    let kept = outbox.kept(0, 10).await.expect("the outbox can be read");
    let seen: Vec<_> = kept
        .rows
        .iter()
        .map(|row| (row.request_id, row.state))
        .collect();
    let expected = [
        (second.request_id, RequestState::Completed),
        (first.request_id, RequestState::Completed),
        (lost.request_id, RequestState::Interrupted),
    ];
    assert_eq!(
        seen, expected,
        "each settled row is kept once, in the order of the commits"
    );
    assert_eq!(kept.waiting, 3);

    let one = outbox.kept(0, 1).await.expect("the outbox can be read");
    assert_eq!(
        (one.rows.len(), one.waiting),
        (1, 3),
        "at most as many as are asked for"
    );
    let rest = outbox
        .kept(one.last, 10)
        .await
        .expect("the outbox can be read");
    assert_eq!(
        (rest.rows.len(), rest.last),
        (2, kept.last),
        "those behind a number"
    );
    outbox
        .release(one.last)
        .await
        .expect("rows can be released");
    let rest = outbox.kept(0, 10).await.expect("the outbox can be read");
    assert_eq!(
        (rest.rows.len(), rest.waiting),
        (2, 2),
        "what is released is gone"
    );
    outbox
        .release(rest.last)
        .await
        .expect("rows can be released");

    let late = open();
    append(store, [Write::Whole(late.clone(), end(&late, 1, 1))]).await;
    let next = outbox.kept(0, 10).await.expect("the outbox can be read");
    assert!(next.last > rest.last, "no number is used twice");
}
