use http::Method;
use serde_json::{Value, json};

use crate::error::ErrorKind as K;
use crate::http::admin::models::ModelInput;
use crate::http::admin::operations::{BODY, STORE};
use crate::http::admin::providers::ProviderInput;
use crate::http::admin::views::{ModelList, ModelView, ProviderList, ProviderView};
use crate::http::openapi::{Operation, Parameter, PathItem, Schemas};

const PROVIDERS: &str = "Providers";
const MODELS: &str = "Models";
const JSON: &str = "application/json";
/// The methods of a row.
const ROW: [Method; 3] = [Method::GET, Method::PUT, Method::DELETE];

pub(in crate::http::admin) fn providers(schemas: &mut Schemas) -> PathItem {
    let list = Operation::new(PROVIDERS, "All providers, by id")
        .about("All of them, or one page if `limit` is given.")
        .answers_json(&schemas.answer::<ProviderList<'_>>());
    let list = paged(list, "Text to search in names and kinds.").parameter(Parameter::query(
        "with",
        json!({"enum": ["models"]}),
        "What to include with each of them.",
    ));
    let mut input = schemas.body::<ProviderInput>();
    also_required(&mut input, &["server_key", "personalized_key"]);
    let add = Operation::new(PROVIDERS, "Add a provider")
        .about("Applies to the next request. From now on keys are masked.")
        .takes_json(&input)
        .answers(201, JSON, &schemas.answer::<ProviderView<'_>>())
        .leads_to(201, &ROW, "/providers/{id}")
        .leads_to(201, &[Method::GET], "/providers/{id}/models")
        .leads_to(201, &[Method::GET], "/providers/{id}/upstream_models")
        .leads_to(201, &[Method::POST], "/providers/{id}/test")
        .fails(&BODY)
        .fails(&STORE);
    PathItem::new().get(list).post(add)
}

pub(in crate::http::admin) fn provider(schemas: &mut Schemas) -> PathItem {
    let view = schemas.answer::<ProviderView<'_>>();
    let show = Operation::new(PROVIDERS, "A provider and its health")
        .answers_json(&view)
        .fails(&[K::NotFound]);
    let change = Operation::new(PROVIDERS, "Change a provider")
        .parameter(if_match())
        .fails(&[K::PreconditionFailed])
        .about("Omitted fields get their default, except the keys, which are kept.")
        .takes_json(&schemas.body::<ProviderInput>())
        .answers_json(&view)
        .fails(&[K::NotFound])
        .fails(&BODY)
        .fails(&STORE);
    let delete = Operation::new(PROVIDERS, "Delete a provider and its models")
        .parameter(if_match())
        .fails(&[K::PreconditionFailed])
        .about("Its history stays on the ledger.")
        .answers_nothing(204)
        .fails(&[K::NotFound])
        .fails(&STORE);
    PathItem::new()
        .parameter(Parameter::row_id("The provider."))
        .get(show)
        .put(change)
        .delete(delete)
}

pub(in crate::http::admin) fn provider_models(schemas: &mut Schemas) -> PathItem {
    let list = Operation::new(MODELS, "A provider's models, by id")
        .about("All of them, or one page if `limit` is given.")
        .answers_json(&schemas.answer::<ModelList<'_>>())
        .fails(&[K::NotFound]);
    let list = paged(list, "Text to search in names.");
    PathItem::new()
        .parameter(Parameter::row_id("The provider."))
        .get(list)
}

pub(in crate::http::admin) fn models(schemas: &mut Schemas) -> PathItem {
    let input = schemas.body::<ModelInput>();
    let add = Operation::new(MODELS, "Add a model to a provider")
        .about("The provider is identified by `provider_id`, or by its name in `provider`.")
        .takes_json(&input)
        .answers(201, JSON, &schemas.answer::<ModelView<'_>>())
        .leads_to(201, &ROW, "/provider_models/{id}")
        .fails(&[K::NotFound, K::Conflict])
        .fails(&BODY)
        .fails(&STORE);
    PathItem::new().post(add)
}

pub(in crate::http::admin) fn model(schemas: &mut Schemas) -> PathItem {
    let view = schemas.answer::<ModelView<'_>>();
    let show = Operation::new(MODELS, "A model")
        .answers_json(&view)
        .fails(&[K::NotFound]);
    let change = Operation::new(MODELS, "Change a model")
        .parameter(if_match())
        .fails(&[K::PreconditionFailed])
        .takes_json(&schemas.body::<ModelInput>())
        .answers_json(&view)
        .fails(&[K::NotFound, K::Conflict])
        .fails(&BODY)
        .fails(&STORE);
    let delete = Operation::new(MODELS, "Delete a model")
        .parameter(if_match())
        .fails(&[K::PreconditionFailed])
        .answers_nothing(204)
        .fails(&[K::NotFound])
        .fails(&STORE);
    PathItem::new()
        .parameter(Parameter::row_id("The model."))
        .get(show)
        .put(change)
        .delete(delete)
}

/// Adds the paging parameters.
fn paged(operation: Operation, about_words: &str) -> Operation {
    let limit = json!({"type": "integer", "minimum": 1, "maximum": 1000});
    let after = json!({"type": "integer", "format": "int64"});
    let about_after = "The `next` of the previous page.";
    operation
        .parameter(Parameter::query(
            "limit",
            limit,
            "The maximum number of results.",
        ))
        .parameter(Parameter::query("after", after, about_after))
        .parameter(Parameter::query(
            "q",
            json!({"type": "string"}),
            about_words,
        ))
        .fails(&[K::Unprocessable])
}

/// The precondition of a change.
fn if_match() -> Parameter {
    let about = "The `ETag` of the version that the change is based on: rejected with 412 if it \
                 has changed since.";
    Parameter::header("if-match", json!({"type": "string"}), about)
}

/// Fields that are required for a new row but not for an update.
fn also_required(schema: &mut Value, fields: &[&str]) {
    if !schema["required"].is_array() {
        schema["required"] = json!([]);
    }
    if let Some(required) = schema["required"].as_array_mut() {
        required.extend(fields.iter().map(|field| json!(field)));
    }
    for field in fields {
        let kind = &mut schema["properties"][*field]["type"];
        if let Some(first) = kind.as_array().and_then(|kinds| kinds.first()).cloned() {
            *kind = first;
        }
    }
}
