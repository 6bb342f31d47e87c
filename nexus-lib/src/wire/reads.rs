//! Notes how often a request's body is read. Only in tests: elsewhere there is nothing to do it with.

#[cfg(any(test, feature = "test-util"))]
mod watch;

#[cfg(any(test, feature = "test-util"))]
pub use watch::BodyReads;

/// `body` is scanned for what routing needs.
#[inline]
pub(crate) fn scanned(body: &[u8]) {
    #[cfg(any(test, feature = "test-util"))]
    watch::note(body, |reads| &reads.scans);
    let _ = body;
}

/// `body`, a request, is read into the neutral form.
#[inline]
pub(crate) fn parsed(body: &[u8]) {
    #[cfg(any(test, feature = "test-util"))]
    watch::note(body, |reads| &reads.parses);
    let _ = body;
}
