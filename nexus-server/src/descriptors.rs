/// Assumed if the limit is unknown: the lowest common default.
const UNKNOWN: u64 = 1024;

/// The maximum number of connections of each port. It leaves file descriptors for the upstreams of
/// the requests being served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connections {
    pub(crate) admin: usize,
    pub(crate) api: usize,
}

/// Raises this process's limit of open files as far as possible, and divides it: half of it is for
/// connections to upstreams and for the store, and one eighth of the rest for the admin port.
///
/// Systems give a process 1,024 by default, for old programs that cannot handle more, and allow it
/// many more: <https://0pointer.net/blog/file-descriptor-limits.html>.
pub(crate) fn share() -> Connections {
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or_else(|error| {
        tracing::warn!(%error, "the limit of open files cannot be raised");
        UNKNOWN
    });
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let connections = Connections {
        admin: (limit / 16).max(1),
        api: (limit / 16 * 7).max(1),
    };
    tracing::info!(
        open_files = limit,
        api_connections = connections.api,
        admin_connections = connections.admin,
        "limits"
    );
    connections
}
