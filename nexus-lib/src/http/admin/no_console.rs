//! In place of `console` without the feature of that name: no files, and no routes for them.

use http::{HeaderMap, Response};

use crate::http::Body;

/// There is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asset {}

pub(super) const NO_SUCH_ROUTE: &str =
    "there is no such route; `/openapi.json` describes the routes";

pub(super) fn find(_: &str) -> Option<&'static Asset> {
    None
}

pub(super) fn serve(asset: &Asset, _: &HeaderMap) -> Response<Body> {
    match *asset {}
}
