use serde_json::json;

use super::pages::{TAG, text};
use crate::error::ErrorKind as K;
use crate::http::admin::console;
use crate::http::openapi::{Operation, Parameter, PathItem, Schemas};

const TEXT: [&str; 5] = [
    "text/html",
    "text/css",
    "text/javascript",
    "image/svg+xml",
    "text/plain",
];

pub(in crate::http::admin) fn front_page(_: &mut Schemas) -> PathItem {
    let page = Operation::new(TAG, "The web console")
        .parameter(if_none_match())
        .answers(200, "text/html", &text())
        .answers_nothing(304)
        .open();
    PathItem::new().get(page)
}

pub(in crate::http::admin) fn console_file(_: &mut Schemas) -> PathItem {
    // A parameter cannot contain slashes, so files in folders are not listed.
    let files: Vec<_> = console::paths()
        .filter(|path| !path.contains('/'))
        .collect();
    let path = Parameter::path("path", json!({"enum": files}), "A file of the web console.");
    let file = Operation::new(TAG, "A file of the web console")
        .parameter(if_none_match())
        .answers_nothing(304)
        .fails(&[K::NotFound])
        .open();
    let file = TEXT
        .iter()
        .fold(file, |file, media| file.answers(200, media, &text()));
    PathItem::new().parameter(path).get(file)
}

fn if_none_match() -> Parameter {
    let about = "The tags that the client has already.";
    Parameter::header("if-none-match", text(), about)
}
