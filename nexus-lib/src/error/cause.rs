use std::fmt;

/// Why a provider could not be reached, or did not finish its answer.
///
/// A fixed set of texts instead of the operating system's, so that a cause cannot contain a host
/// name, an address or a key: causes appear on the ledger and in the admin API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The host name has no address, or the resolver did not answer.
    NameNotResolved,
    /// Nothing listens on the port.
    ConnectionRefused,
    /// The other side reset the connection.
    ConnectionReset,
    /// The connection was closed before the answer began.
    ClosedBeforeAnswer,
    /// The connection was closed within the answer.
    ClosedWithinAnswer,
    /// No route to the network or the host.
    NoRoute,
    /// This machine has no socket, port or permission left for a connection.
    LocalResources,
    /// No connection was established within the connect timeout.
    ConnectTimeout,
    /// The answer did not begin within the first-event timeout.
    FirstEventTimeout,
    /// Nothing arrived within the idle timeout.
    IdleTimeout,
    /// The TLS certificate has expired.
    CertificateExpired,
    /// The TLS certificate is not valid yet.
    CertificateNotYetValid,
    /// The TLS certificate is for another name.
    CertificateName,
    /// No trusted authority has signed the TLS certificate.
    CertificateIssuer,
    /// The TLS certificate was revoked.
    CertificateRevoked,
    /// The TLS certificate is invalid in another way.
    CertificateInvalid,
    /// The TLS handshake failed.
    TlsHandshake,
    /// The other side does not speak TLS.
    NotTls,
    /// The other side does not speak HTTP, or violated the protocol.
    NotHttp,
    /// No outbound proxy provided a connection.
    Proxy,
    /// The outbound proxy cannot reach the provider.
    BeyondProxy,
}

impl Cause {
    /// The cause in a few words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NameNotResolved => "the host name cannot be resolved (DNS)",
            Self::ConnectionRefused => "connection refused",
            Self::ConnectionReset => "connection reset",
            Self::ClosedBeforeAnswer => "connection closed before the answer started",
            Self::ClosedWithinAnswer => "connection closed before the answer ended",
            Self::NoRoute => "no route to the host",
            Self::LocalResources => "this machine has no free socket, port or permission",
            Self::ConnectTimeout => "connect timeout",
            Self::FirstEventTimeout => "first event timeout",
            Self::IdleTimeout => "idle timeout",
            Self::CertificateExpired => "TLS: the certificate has expired",
            Self::CertificateNotYetValid => "TLS: the certificate is not valid yet",
            Self::CertificateName => "TLS: the certificate is for another name",
            Self::CertificateIssuer => "TLS: the certificate's issuer is not trusted",
            Self::CertificateRevoked => "TLS: the certificate was revoked",
            Self::CertificateInvalid => "TLS: the certificate is invalid",
            Self::TlsHandshake => "TLS: the handshake failed",
            Self::NotTls => "the server does not speak TLS",
            Self::NotHttp => "the server does not speak valid HTTP",
            Self::Proxy => "no outbound proxy gave a connection",
            Self::BeyondProxy => "the outbound proxy cannot reach the provider",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
