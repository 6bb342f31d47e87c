use serde_json::{Value, json};

use crate::error::ErrorKind as K;
use crate::http::admin::conversations::ConversationPage;
use crate::http::admin::operations::STORE;
use crate::http::admin::views::{
    ConversationView, RequestPage, RequestView, SeriesView, SummaryView, TotalsView,
};
use crate::http::openapi::{Operation, Parameter, PathItem, Schemas};
use crate::store::RequestState;
use crate::wire::ConversationId;

const TAG: &str = "Statistics";

pub(in crate::http::admin) fn totals(schemas: &mut Schemas) -> PathItem {
    let totals = Operation::new(TAG, "Sums over the ledger, by provider and by model")
        .answers_json(&schemas.answer::<TotalsView>());
    PathItem::new().get(read(ranged(totals)))
}

pub(in crate::http::admin) fn series(schemas: &mut Schemas) -> PathItem {
    let series = Operation::new(TAG, "Sums by time, oldest first")
        .about(
            "At most 10,000 steps; without `from` the last 60 minutes, 48 hours or 30 days. The first and the \
             last step have only what lies in the range.",
        )
        .answers_json(&schemas.answer::<SeriesView>());
    PathItem::new().get(read(ranged(stepped(series))))
}

pub(in crate::http::admin) fn summary(schemas: &mut Schemas) -> PathItem {
    let summary = Operation::new(TAG, "Sums over the ledger, and the same by time")
        .about("What `/stats/total` and `/stats/series` say of one range, in one answer.")
        .answers_json(&schemas.answer::<SummaryView>());
    PathItem::new().get(read(ranged(stepped(summary))))
}

fn stepped(operation: Operation) -> Operation {
    let bucket = json!({"enum": ["minute", "hour", "day"]});
    let zone = json!({"type": "string", "maxLength": 64, "default": "UTC"});
    operation
        .parameter(Parameter::query("bucket", bucket, "How long each step is.").required())
        .parameter(Parameter::query(
            "time_zone",
            zone,
            "Whose days and hours: a name such as Asia/Shanghai, or an offset such as +08:00.",
        ))
}

pub(in crate::http::admin) fn conversation(schemas: &mut Schemas) -> PathItem {
    let id = json!({
        "type": "string", "minLength": 1, "maxLength": ConversationId::MAX_CHARS,
        "pattern": "^[!-~]+$",
    });
    let id = Parameter::path("id", id, "The conversation, as `x-conversation-id` has it.");
    let show = Operation::new(TAG, "A conversation: its sums, requests and messages")
        .about(
            "Messages are there where they are archived: those of the newest 200 calls of the page. Without \
             `limit` the page has all rows.",
        )
        .parameter(Parameter::query(
            "scope",
            json!({"type": "string", "pattern": "^[0-9a-fA-F]{16}$"}),
            "Whose name it is, as `conversation_scope` has it. Without it, of several clients' conversations of this name \
             the one with the newest request; `other_scopes` names the others.",
        ))
        .parameter(Parameter::query("limit", limit(), "How many rows are wanted, the newest."))
        .parameter(Parameter::query(
            "before",
            request_id(),
            "Only rows before this one: the `next` of the page with newer ones.",
        ))
        .parameter(Parameter::query(
            "after",
            request_id(),
            "Only rows behind this one: what is new since.",
        ))
        .parameter(Parameter::query(
            "messages",
            json!({"enum": ["all", "last", "none"], "default": "all"}),
            "Of all rows of the page, of its newest alone, or none.",
        ))
        .answers_json(&schemas.answer::<ConversationView>())
        .fails(&[K::NotFound]);
    PathItem::new().parameter(id).get(read(show))
}

pub(in crate::http::admin) fn conversations(schemas: &mut Schemas) -> PathItem {
    let list = Operation::new(TAG, "Conversations, those with the newest request first")
        .about("A page may be short of `limit` and not the last: `next` tells.")
        .answers_json(&schemas.answer::<ConversationPage>());
    PathItem::new().get(read(paged(list)))
}

pub(in crate::http::admin) fn requests(schemas: &mut Schemas) -> PathItem {
    let text = json!({"type": "string"});
    let provider = json!({"type": "integer", "format": "int64"});
    let list = Operation::new(TAG, "Rows of the ledger, newest first")
        .parameter(Parameter::query(
            "model",
            text,
            "The name that clients use.",
        ))
        .parameter(Parameter::query(
            "provider_id",
            provider,
            "Who answered, or was asked last.",
        ))
        .parameter(Parameter::query(
            "state",
            schemas.answer::<RequestState>(),
            "How far they have come.",
        ))
        .answers_json(&schemas.answer::<RequestPage>());
    PathItem::new().get(read(ranged(paged(list))))
}

pub(in crate::http::admin) fn request(schemas: &mut Schemas) -> PathItem {
    let id = json!({"type": "string", "format": "uuid"});
    let id = Parameter::path("id", id, "The request, as `x-request-id` has it.");
    let show = Operation::new(TAG, "A row of the ledger, its tries and its messages")
        .about(
            "`status` is what the client got, `upstream_status` what the provider said. Messages are there \
             where they are archived.",
        )
        .answers_json(&schemas.answer::<RequestView>())
        .fails(&[K::NotFound]);
    PathItem::new().parameter(id).get(show.fails(&STORE))
}

fn ranged(operation: Operation) -> Operation {
    let time = json!({"type": "string", "format": "date-time"});
    operation
        .parameter(Parameter::query(
            "from",
            time.clone(),
            "The first moment, included.",
        ))
        .parameter(Parameter::query(
            "to",
            time,
            "The last moment, not included.",
        ))
        .parameter(Parameter::query(
            "last",
            json!({"type": "integer", "minimum": 0, "maximum": u32::MAX}),
            "In place of `from`: so many seconds before now, by the server's clock.",
        ))
}

fn limit() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": 1000})
}

fn request_id() -> Value {
    json!({"type": "string", "format": "uuid"})
}

fn paged(operation: Operation) -> Operation {
    let limit = json!({"type": "integer", "minimum": 1, "maximum": 1000, "default": 50});
    let before = json!({"type": "string", "format": "uuid"});
    operation
        .parameter(Parameter::query(
            "limit",
            limit,
            "The maximum number of results.",
        ))
        .parameter(Parameter::query(
            "before",
            before,
            "The `next` of the previous page.",
        ))
}

fn read(operation: Operation) -> Operation {
    operation.fails(&[K::Unprocessable]).fails(&STORE)
}
