use std::net::IpAddr;

use crate::http::admin::guard::Guard;
use crate::wire::RequestId;

/// The author of a change through the admin port, for the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operator {
    /// How the request was authorised.
    by: &'static str,
    client: Option<IpAddr>,
    request_id: RequestId,
}

impl Operator {
    pub(super) fn new(guard: &Guard, client: Option<IpAddr>, request_id: RequestId) -> Self {
        Self {
            by: guard.name(),
            client,
            request_id,
        }
    }

    /// Logs a change of `object`: what changed, who made it and from where, without keys.
    pub(super) fn changed(&self, what: &'static str, object: &'static str, id: i64, name: &str) {
        tracing::info!(
            request_id = %self.request_id,
            by = self.by,
            client = self.client.map(tracing::field::display),
            object,
            id,
            name,
            "{what}"
        );
    }
}
