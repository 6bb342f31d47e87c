/// What is assumed where the limit is not known: the least that systems give.
const UNKNOWN: u64 = 1024;

/// How many connections each port may have open at once, so that file descriptors are left for the
/// upstreams of those that are served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connections {
    pub(crate) admin: usize,
    pub(crate) api: usize,
}

/// Raises the number of files that this process may have open as far as it may be raised, and shares it out:
/// half of it is for connections to upstreams and for the store, of the rest one eighth for the admin port.
///
/// Systems give a process 1,024 by default, for the sake of programs that know no better, and allow it
/// many more: <https://0pointer.net/blog/file-descriptor-limits.html>.
pub(crate) fn share() -> Connections {
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or_else(|error| {
        tracing::warn!(%error, "the number of open files cannot be raised");
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
