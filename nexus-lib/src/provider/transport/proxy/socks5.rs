//! SOCKS 5 (RFC 1928) with user and password (RFC 1929).

use std::net::IpAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

use super::DialError;
use crate::wire::ProxyUrl;

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const AUTHENTICATION_VERSION: u8 = 1;
const CONNECT: u8 = 1;

const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// The destination of a tunnel in SOCKS terms.
pub(super) enum Address<'a> {
    Ip(IpAddr),
    /// A name that the proxy resolves, up to 255 bytes.
    Name(&'a str),
}

/// A connection to a proxy.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// Negotiates an authentication method, and authenticates.
pub(super) async fn greet(stream: &mut impl Stream, proxy: &ProxyUrl) -> Result<(), DialError> {
    let credentials = proxy.expose_credentials();
    let offer: &[u8] = match credentials {
        None => &[VERSION, 1, NO_AUTHENTICATION],
        Some(_) => &[VERSION, 2, NO_AUTHENTICATION, USER_AND_PASSWORD],
    };
    write(stream, offer).await?;
    match (read(stream).await?, credentials) {
        ([VERSION, NO_AUTHENTICATION], _) => Ok(()),
        ([VERSION, USER_AND_PASSWORD], Some((user, password))) => {
            authenticate(stream, user, password).await
        }
        ([VERSION, _], None) => Err(DialError::proxy("the proxy requires credentials")),
        ([VERSION, _], Some(_)) => Err(DialError::proxy(
            "the proxy does not accept user and password",
        )),
        _ => Err(no_socks()),
    }
}

async fn authenticate(
    stream: &mut impl Stream,
    user: &str,
    password: &str,
) -> Result<(), DialError> {
    let mut message = Zeroizing::new(Vec::with_capacity(3 + user.len() + password.len()));
    message.push(AUTHENTICATION_VERSION);
    push_counted(&mut message, user)
        .ok_or_else(|| DialError::proxy("the proxy's user name is too long"))?;
    push_counted(&mut message, password)
        .ok_or_else(|| DialError::proxy("the proxy's password is too long"))?;
    write(stream, &message).await?;
    match read(stream).await? {
        [_, 0] => Ok(()),
        _ => Err(DialError::proxy("the proxy rejected the credentials")),
    }
}

/// Asks for a tunnel, after [`greet`].
pub(super) async fn connect(
    stream: &mut impl Stream,
    address: &Address<'_>,
    port: u16,
) -> Result<(), DialError> {
    let mut message = vec![VERSION, CONNECT, 0];
    match address {
        Address::Ip(IpAddr::V4(ip)) => {
            message.push(IPV4);
            message.extend_from_slice(&ip.octets());
        }
        Address::Ip(IpAddr::V6(ip)) => {
            message.push(IPV6);
            message.extend_from_slice(&ip.octets());
        }
        Address::Name(name) => {
            message.push(NAME);
            push_counted(&mut message, name)
                .ok_or_else(|| DialError::beyond("the upstream's name is too long for SOCKS"))?;
        }
    }
    message.extend_from_slice(&port.to_be_bytes());
    write(stream, &message).await?;

    let [version, reply, _, kind] = read(stream).await?;
    if version != VERSION {
        return Err(no_socks());
    }
    if reply != 0 {
        return Err(refusal(reply));
    }
    // The proxy's own address: skipped, since the upstream's bytes follow it.
    let length = match kind {
        IPV4 => 4,
        IPV6 => 16,
        NAME => usize::from(read::<1>(stream).await?[0]),
        _ => return Err(no_socks()),
    };
    let mut bound = [0; 255 + 2];
    let bound = &mut bound[..length + 2];
    stream.read_exact(bound).await.map_err(DialError::proxy)?;
    Ok(())
}

/// RFC 1928, section 6.
fn refusal(reply: u8) -> DialError {
    let (is_beyond, cause) = match reply {
        1 => (false, "general failure"),
        2 => (true, "not allowed by its rules"),
        3 => (true, "network unreachable"),
        4 => (true, "host unreachable"),
        5 => (true, "connection refused"),
        6 => (true, "TTL expired"),
        7 => (false, "command not supported"),
        8 => (true, "address type not supported"),
        _ => (false, "unknown"),
    };
    let cause = format!("the proxy answered with failure {reply} ({cause})");
    match is_beyond {
        true => DialError::beyond(cause),
        false => DialError::proxy(cause),
    }
}

/// One byte for the length, and the text; `None` if it is too long for that.
fn push_counted(message: &mut Vec<u8>, text: &str) -> Option<()> {
    message.push(u8::try_from(text.len()).ok()?);
    message.extend_from_slice(text.as_bytes());
    Some(())
}

async fn write(stream: &mut impl Stream, message: &[u8]) -> Result<(), DialError> {
    stream.write_all(message).await.map_err(DialError::proxy)
}

async fn read<const N: usize>(stream: &mut impl Stream) -> Result<[u8; N], DialError> {
    let mut bytes = [0; N];
    stream
        .read_exact(&mut bytes)
        .await
        .map_err(DialError::proxy)?;
    Ok(bytes)
}

fn no_socks() -> DialError {
    DialError::proxy("the proxy does not speak SOCKS 5")
}
