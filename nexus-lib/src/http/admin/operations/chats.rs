use crate::error::ErrorKind as K;
use crate::http::admin::chat::{PlaygroundInput, TestInput, TestOutcome};
use crate::http::admin::operations::{BODY, STORE};
use crate::http::admin::upstream::NameList;
use crate::http::api;
use crate::http::openapi::{Operation, Parameter, PathItem, Schemas};

const TAG: &str = "Chats";

pub(in crate::http::admin) fn provider_test(schemas: &mut Schemas) -> PathItem {
    let test = Operation::new(TAG, "Send a provider one tiny chat")
        .about("Answers 200 whatever came of it: `ok` tells, and `error` is the upstream's own.")
        .takes("application/json", &schemas.body::<TestInput>(), false)
        .answers_json(&schemas.answer::<TestOutcome>())
        .fails(&[K::NotFound])
        .fails(&BODY);
    PathItem::new()
        .parameter(Parameter::row_id("The provider."))
        .post(test)
}

pub(in crate::http::admin) fn upstream_models(schemas: &mut Schemas) -> PathItem {
    let list = Operation::new(TAG, "The models that a provider's upstream says it has")
        .answers_json(&schemas.answer::<NameList>())
        .fails(&[
            K::NotFound,
            K::UpstreamAuth,
            K::UpstreamInvalid,
            K::UpstreamRedirect,
            K::UpstreamUnreachable,
            K::UpstreamRefused,
            K::UpstreamTimeout,
            K::StoreInvalid,
        ]);
    PathItem::new()
        .parameter(Parameter::row_id("The provider."))
        .get(list)
}

pub(in crate::http::admin) fn playground(schemas: &mut Schemas) -> PathItem {
    let mut body = api::operations::chat_body();
    let mut own = schemas.body::<PlaygroundInput>();
    body["properties"]["provider_id"] = own["properties"]["provider_id"].take();
    let chat = Operation::new(TAG, "Chat as a client of the LLM port would")
        .about("Takes what that port's `/v1/chat/completions` takes, and `provider_id`, and answers alike.")
        .parameter(api::operations::conversation())
        .takes_json(&body)
        .fails(&BODY)
        .fails(&STORE);
    PathItem::new().post(api::operations::chat_answers(chat, schemas))
}
