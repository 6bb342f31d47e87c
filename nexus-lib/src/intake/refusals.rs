use std::net::IpAddr;

use crate::error::Error;
use crate::observe::{Edge, Observers, RefusedRequest};
use crate::wire::RequestId;

/// The address of the client of a request, as an extension of `http::Request`. A server that knows
/// it puts it there; the admin port then limits wrong tokens by address, and names the address in
/// its log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddr(pub IpAddr);

/// Reports what is refused to the observers.
#[derive(Clone, Default)]
pub(crate) struct Refusals(Observers);

impl Refusals {
    pub(crate) fn new(observers: Observers) -> Self {
        Self(observers)
    }

    /// Reports that request `id` was answered with `error`, unless the ledger has a row that says
    /// so.
    pub(crate) fn report(&self, edge: Edge, id: RequestId, error: &Error, client: Option<IpAddr>) {
        if error.is_on_ledger() || self.0.is_empty() {
            return;
        }
        let message = error.to_string();
        self.0.tell(|observer| {
            let refused = RefusedRequest::new(id, edge, error, &message, client);
            observer.request_refused(&refused);
        });
    }
}
