//! In place of `ws` without the feature of that name: there is no such route, and no socket.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, Response};

use crate::call::Principal;
use crate::error::{Error, ErrorKind, Result};
use crate::http::Body;
use crate::intake::{Intake, Passport};

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SocketSettings(());

#[derive(Clone)]
pub(crate) struct Sockets(());

impl Sockets {
    pub(crate) fn new(_: SocketSettings) -> Self {
        Self(())
    }

    pub(crate) fn drain(&self) {}

    pub(crate) async fn abort(&self) {}
}

pub(crate) fn key_among_protocols(_: &HeaderMap) -> Result<Option<Vec<u8>>> {
    Ok(None)
}

pub(crate) fn accept<S>(
    _: &Arc<Intake<S>>,
    _: &Sockets,
    _: &mut Parts,
    _: Option<Principal>,
    _: Passport,
) -> Result<Response<Body>> {
    let message = "this gateway was built without WebSockets";
    Err(Error::new(ErrorKind::NotFound, message))
}
