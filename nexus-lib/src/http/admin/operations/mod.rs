//! Requests and responses of the admin port's paths, for its OpenAPI document.
//!
//! One function per path, named in the router's table: a path without a description does not
//! compile.

mod chats;
#[cfg(feature = "console")]
mod console;
mod pages;
mod registry;
mod statistics;

use std::sync::LazyLock;

use bytes::Bytes;
use serde_json::json;

use crate::error::ErrorKind as K;
use crate::http::admin::route::PATHS;
use crate::http::openapi::{Document, Operation};

pub(super) use chats::{playground, provider_test, upstream_models};
#[cfg(feature = "console")]
pub(super) use console::{console_file, front_page};
pub(super) use pages::{document, health, metrics, readiness, settings};
pub(super) use registry::{model, models, provider, provider_models, providers};
pub(super) use statistics::{
    conversation, conversations, request, requests, series, summary, totals,
};

/// The whole document, as JSON.
pub(super) fn whole() -> Bytes {
    static WHOLE: LazyLock<Bytes> = LazyLock::new(|| {
        let token = json!({
            "type": "http", "scheme": "bearer",
            "description": "The admin token, if one is set. Without one the port only serves \
             programs and pages of its own machine.",
        });
        let mut document = Document::new(
            "NexusAI: administration",
            "Providers, models, keys, ledger statistics, and the operator's own chats. Every \
             `GET` accepts `HEAD` too. Unknown fields of a body are ignored.",
            json!({"token": token}),
            json!([{"token": []}, {}]),
        );
        for (pattern, _, describe) in PATHS {
            let item = describe(&mut document.schemas).each(guarded);
            document.path(pattern, item);
        }
        document.into_json()
    });
    WHOLE.clone()
}

/// Errors that any request may get before it reaches its route.
fn guarded(operation: Operation) -> Operation {
    let open = operation.is_open();
    let operation = operation
        .fails(&[K::InvalidRequest, K::Forbidden])
        .fails_with(431, K::TooLarge);
    match open {
        true => operation,
        false => operation.fails(&[
            K::InvalidAdminToken,
            K::TooManyAttempts,
            K::UnsupportedMediaType,
        ]),
    }
}

/// Errors of a malformed body.
const BODY: [K; 4] = [
    K::InvalidRequest,
    K::RequestTimeout,
    K::TooLarge,
    K::Unprocessable,
];
/// Errors of the store.
const STORE: [K; 4] = [K::StoreUnavailable, K::StoreInvalid, K::Internal, K::Closed];
