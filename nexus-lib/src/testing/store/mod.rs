//! The contract of [`LedgerStore`] and [`LedgerQueries`], as checks that every store must pass.

mod conversations;
mod gateways;
mod kept;
mod pages;
mod rows;
mod settling;
mod sums;

use std::sync::Arc;

use crate::store::{LedgerQueries, LedgerStore, LedgerWrite};

/// Checks that a store keeps the contracts of [`LedgerStore`] and [`LedgerQueries`]: for tests of
/// those who bring one.
///
/// `open` makes an empty store for each check. Checks are async functions of their own, so that a
/// test can run one; [`check`](Self::check) runs all of them.
///
/// ```
/// use nexus_lib::SqliteStore;
/// use nexus_lib::testing::StoreContract;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// StoreContract::of(async || SqliteStore::in_memory().await.unwrap()).check().await;
/// # });
/// ```
///
/// # Panics
/// Each check panics with a sentence that says which clause was broken, and what was seen.
pub struct StoreContract<F> {
    open: F,
}

opaque_debug!(StoreContract<F>);

impl<F, S> StoreContract<F>
where
    F: AsyncFn() -> S,
    S: LedgerStore + LedgerQueries,
{
    /// The contract of the stores that `open` makes.
    pub fn of(open: F) -> Self {
        Self { open }
    }

    async fn store(&self) -> Arc<S> {
        Arc::new((self.open)().await)
    }

    /// Checks all of it. Must be called on a tokio runtime.
    pub async fn check(&self) {
        self.settles_once().await;
        self.writes_batches_in_order().await;
        self.writes_batches_wholly_or_not_at_all().await;
        self.adds_up_its_rows().await;
        self.pages_its_rows().await;
        self.tells_conversations_apart().await;
        self.recalls_conversations().await;
        self.recovers_rows_of_one_owner().await;
        self.serves_two_ledgers().await;
        self.keeps_rows_for_a_sink().await;
        self.closes_twice().await;
    }

    /// A row is settled once, whatever is said of it later; a whole row equals one that was opened
    /// and settled; a settlement without a row changes nothing.
    pub async fn settles_once(&self) {
        settling::once(&*self.store().await).await;
        settling::whole(&*self.store().await).await;
        settling::without_a_row(&*self.store().await).await;
    }

    /// What a batch says is done in its order.
    pub async fn writes_batches_in_order(&self) {
        settling::in_order(&*self.store().await).await;
    }

    /// A batch whose future was dropped is written wholly or not at all.
    pub async fn writes_batches_wholly_or_not_at_all(&self) {
        settling::atomically(self.store().await).await;
    }

    /// Totals and series are the sums of the rows, in any range.
    pub async fn adds_up_its_rows(&self) {
        sums::check(&*self.store().await).await;
    }

    /// Pages are whole, newest first, and filtered.
    pub async fn pages_its_rows(&self) {
        pages::check(&*self.store().await).await;
    }

    /// A conversation has its own rows, oldest first; one name in two scopes is two conversations.
    pub async fn tells_conversations_apart(&self) {
        conversations::apart(&*self.store().await).await;
    }

    /// Marks of calls that ended lately are there, oldest first.
    pub async fn recalls_conversations(&self) {
        conversations::recalled(&*self.store().await).await;
    }

    /// Recovery settles the open rows of a gateway that is gone, once, and no others.
    pub async fn recovers_rows_of_one_owner(&self) {
        gateways::recovery(&*self.store().await).await;
    }

    /// Two ledgers on one store lose no row, and neither recovers what the other has open.
    pub async fn serves_two_ledgers(&self) {
        gateways::two_ledgers(self.store().await).await;
    }

    /// The outbox, where the store has one, keeps what is settled, in order, until it is released.
    pub async fn keeps_rows_for_a_sink(&self) {
        kept::check(&*self.store().await).await;
    }

    /// A store that is closed again is closed.
    pub async fn closes_twice(&self) {
        let store = self.store().await;
        for _ in 0..2 {
            store.close().await.expect("a store can be closed");
        }
    }
}

async fn append(store: &impl LedgerStore, writes: impl IntoIterator<Item = LedgerWrite>) {
    let batch = Arc::new(writes.into_iter().collect());
    store.append(batch).await.expect("a batch is written");
}

#[cfg(test)]
mod tests;
