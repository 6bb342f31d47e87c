use std::sync::Arc;

use http::Response;
use http::request::Parts;
use tower::Service;

use super::handshake::{Opened, open};
use super::socket::{Shown, Socket};
use super::sockets::Sockets;
use crate::call::{Call, Metered, Principal};
use crate::error::{Error, Result};
use crate::http::Body;
use crate::intake::{Intake, Passport};

/// Answers the handshake in `head`, and serves the socket that it opens.
///
/// # Errors
/// `InvalidRequest` when it is not a valid handshake.
pub(crate) fn accept<S>(
    intake: &Arc<Intake<S>>,
    sockets: &Sockets,
    head: &mut Parts,
    principal: Option<Principal>,
    passport: Passport,
) -> Result<Response<Body>>
where
    S: Service<Call, Response = Metered, Error = Error> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    let Opened { upgrade, response } = open(head)?;
    let shown = Shown {
        principal,
        headers: std::mem::take(&mut head.headers),
        passport: passport.with(std::mem::take(&mut head.extensions)),
    };
    let (intake, tasks) = (Arc::clone(intake), Arc::clone(sockets.tasks()));
    let owner = Arc::clone(&tasks);
    tasks.accept(upgrade, move |io| {
        Socket::new(intake, owner, io, shown).run()
    });
    Ok(response)
}
