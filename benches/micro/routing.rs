//! From a key and a model to the targets, with registries of several sizes.
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot be set up should stop"
)]

use std::sync::Arc;

use divan::{Bencher, black_box};
use nexus_benches::MODEL;
use nexus_lib::registry::{ProviderSpec, Registry};
use nexus_lib::{NewModel, Router, SqliteStore};
use tempfile::TempDir;
use tokio::runtime::Builder;

/// Providers, each with its own key and [`MODELS`] models.
const PROVIDERS: [usize; 3] = [1, 10, 100];
const MODELS: usize = 5;

fn main() {
    divan::main();
}

#[divan::bench(args = PROVIDERS)]
fn authenticate(bencher: Bencher<'_, '_>, providers: usize) {
    let (registry, _dir) = registry(providers);
    let key = key(providers / 2);
    bencher.bench_local(|| registry.authenticate(black_box(key.as_bytes())));
}

#[divan::bench(args = PROVIDERS)]
fn refuse_a_key(bencher: Bencher<'_, '_>, providers: usize) {
    let (registry, _dir) = registry(providers);
    bencher.bench_local(|| registry.authenticate(black_box(b"no such key")).is_err());
}

#[divan::bench(args = PROVIDERS)]
fn candidates(bencher: Bencher<'_, '_>, providers: usize) {
    let (registry, _dir) = registry(providers);
    let principal = registry
        .authenticate(key(providers / 2).as_bytes())
        .unwrap();
    let router = Router::new();
    bencher.bench_local(|| router.candidates(black_box(&principal), black_box(MODEL), None));
}

/// The store's runtime ends with this function: reading a registry needs none.
fn registry(providers: usize) -> (Registry, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let runtime = Builder::new_current_thread().build().unwrap();
    let registry = runtime.block_on(async {
        let store = SqliteStore::open(dir.path().join("nexus.db"))
            .await
            .unwrap();
        let registry = Registry::open(Arc::new(store), ["openai"]).await.unwrap();
        for index in 0..providers {
            let name = format!("provider {index}");
            let spec = ProviderSpec::new(name, "http://127.0.0.1:1/v1", "sk-upstream", key(index));
            let provider = registry.add_provider(spec).await.unwrap();
            for model in 0..MODELS {
                let model_name = match model {
                    0 => MODEL.to_owned(),
                    _ => format!("{MODEL}-{model}"),
                };
                let new = NewModel::new(provider.id, model_name);
                registry.add_model(new).await.unwrap();
            }
        }
        registry
    });
    (registry, dir)
}

fn key(index: usize) -> String {
    format!("bench-client-key-{index:08}-7f3a9c51d2e84b06")
}
