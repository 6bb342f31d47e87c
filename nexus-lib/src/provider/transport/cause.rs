//! Finds the [`Cause`] of a connection error.

use std::error::Error as StdError;
use std::io;

use rustls::{CertificateError, Error as TlsError};

use super::http1;
use super::proxy::NoTunnel;
use super::resolver::Unresolved;
use crate::error::Cause;

/// The cause at the bottom of an error's source chain, if known.
pub(super) fn of(error: &(dyn StdError + 'static)) -> Option<Cause> {
    let mut found = None;
    let mut next = Some(error);
    while let Some(error) = next {
        found = of_one(error).or(found);
        // Causes below these belong to the resolver or the proxy, not to the provider.
        if matches!(found, Some(Cause::NameNotResolved | Cause::Proxy)) {
            return found;
        }
        next = match error.downcast_ref::<io::Error>() {
            // Its `source` is the one of the error that it holds.
            Some(error) => error
                .get_ref()
                .map(|inner| inner as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    found
}

fn of_one(error: &(dyn StdError + 'static)) -> Option<Cause> {
    if error.is::<Unresolved>() {
        return Some(Cause::NameNotResolved);
    }
    if let Some(error) = error.downcast_ref::<NoTunnel>() {
        return Some(match error {
            NoTunnel::Proxy(_) => Cause::Proxy,
            NoTunnel::Beyond(_) => Cause::BeyondProxy,
        });
    }
    if error.is::<tokio::time::error::Elapsed>() {
        return Some(Cause::ConnectTimeout);
    }
    if let Some(error) = error.downcast_ref::<TlsError>() {
        return Some(of_tls(error));
    }
    if let Some(error) = error.downcast_ref::<http1::Error>() {
        return Some(of_http1(error));
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return of_hyper(error);
    }
    of_io(error.downcast_ref()?)
}

fn of_tls(error: &TlsError) -> Cause {
    use CertificateError as C;
    match error {
        TlsError::InvalidCertificate(fault) => match fault {
            C::Expired | C::ExpiredContext { .. } => Cause::CertificateExpired,
            C::NotValidYet | C::NotValidYetContext { .. } => Cause::CertificateNotYetValid,
            C::NotValidForName | C::NotValidForNameContext { .. } => Cause::CertificateName,
            C::UnknownIssuer => Cause::CertificateIssuer,
            C::Revoked => Cause::CertificateRevoked,
            _ => Cause::CertificateInvalid,
        },
        TlsError::InvalidMessage(_) => Cause::NotTls,
        _ => Cause::TlsHandshake,
    }
}

fn of_http1(error: &http1::Error) -> Cause {
    match error {
        http1::Error::Unsent(_) | http1::Error::Broken(_) => Cause::ConnectionReset,
        http1::Error::NoAnswer => Cause::ClosedBeforeAnswer,
        http1::Error::Cut => Cause::ClosedWithinAnswer,
        _ => Cause::NotHttp,
    }
}

fn of_hyper(error: &hyper::Error) -> Option<Cause> {
    match error {
        error if error.is_timeout() => Some(Cause::IdleTimeout),
        error if error.is_parse() => Some(Cause::NotHttp),
        error if error.is_incomplete_message() => Some(Cause::ClosedWithinAnswer),
        error if error.is_closed() => Some(Cause::ClosedBeforeAnswer),
        _ => None,
    }
}

fn of_io(error: &io::Error) -> Option<Cause> {
    use io::ErrorKind as K;
    Some(match error.kind() {
        K::ConnectionRefused => Cause::ConnectionRefused,
        K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe => Cause::ConnectionReset,
        K::UnexpectedEof => Cause::ClosedBeforeAnswer,
        K::HostUnreachable | K::NetworkUnreachable | K::NetworkDown => Cause::NoRoute,
        K::TimedOut => Cause::ConnectTimeout,
        K::AddrNotAvailable | K::PermissionDenied | K::QuotaExceeded => Cause::LocalResources,
        // EMFILE and ENFILE have no kind of their own.
        _ if matches!(error.raw_os_error(), Some(23 | 24)) => Cause::LocalResources,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn io_of(inner: impl Into<Box<dyn StdError + Send + Sync>>) -> io::Error {
        io::Error::other(inner)
    }

    #[test]
    fn a_cause_is_found_behind_other_errors_and_holds_none_of_their_words() {
        let dns = Unresolved::from(io::Error::other("secret.example: nobody knows it"));
        let expired = TlsError::InvalidCertificate(CertificateError::Expired);
        let name = TlsError::InvalidCertificate(CertificateError::NotValidForName);
        let cases: [(io::Error, Cause); 9] = [
            (io_of(dns), Cause::NameNotResolved),
            (io_of(io_of(expired)), Cause::CertificateExpired),
            (io_of(io_of(name)), Cause::CertificateName),
            (io_of(TlsError::General("x".into())), Cause::TlsHandshake),
            (
                io::ErrorKind::ConnectionRefused.into(),
                Cause::ConnectionRefused,
            ),
            (io::Error::from_raw_os_error(24), Cause::LocalResources),
            (io_of(http1::Error::NoAnswer), Cause::ClosedBeforeAnswer),
            (io_of(http1::Error::Cut), Cause::ClosedWithinAnswer),
            (io_of(http1::Error::HeadTooLong), Cause::NotHttp),
        ];
        for (error, cause) in cases {
            assert_eq!(of(&error), Some(cause), "{error:?}");
            assert!(!cause.to_string().contains("secret"));
        }
        assert_eq!(of(&io::Error::other("anything")), None);
    }
}
