use std::fmt;

/// Why a provider could not be asked, or did not finish its answer.
///
/// A fixed set of words instead of the operating system's text, so that no host name, no address and
/// no key can be in it: a cause may stand on the ledger and in the admin API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The name in the URL has no address, or the resolver did not answer.
    NameNotResolved,
    /// Nothing listens at the port.
    ConnectionRefused,
    /// The other side reset the connection.
    ConnectionReset,
    /// The connection was closed before the answer began.
    ClosedBeforeAnswer,
    /// The connection was closed in the middle of the answer.
    ClosedWithinAnswer,
    /// The network or the host cannot be reached.
    NoRoute,
    /// This machine has no socket, port or permission left for a connection.
    LocalResources,
    /// No connection stood within the connect timeout.
    ConnectTimeout,
    /// The answer did not begin within the first-event timeout.
    FirstEventTimeout,
    /// Nothing more came within the idle timeout.
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
    /// The TLS certificate is wrong in another way.
    CertificateInvalid,
    /// The TLS handshake failed.
    TlsHandshake,
    /// What answered does not speak TLS.
    NotTls,
    /// What answered does not speak HTTP, or broke its rules.
    NotHttp,
    /// No outbound proxy gave a connection.
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
            Self::ClosedBeforeAnswer => "connection closed before the answer began",
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
