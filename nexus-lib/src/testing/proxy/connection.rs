use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::fake::{ProxyConduct, ProxyProtocol, ProxyRequest, State};

/// Serves one connection to its end. A peer may close at any time; errors are ignored.
pub(super) async fn serve(mut stream: TcpStream, state: watch::Sender<State>) {
    let conduct = state.borrow().conduct;
    match conduct {
        ProxyConduct::Close => return,
        ProxyConduct::Hang => {}
        _ => {
            let _ = speak(&mut stream, &state).await;
            return;
        }
    }
    while stream.read_u8().await.is_ok() {}
}

async fn speak(stream: &mut TcpStream, state: &watch::Sender<State>) -> io::Result<()> {
    match stream.read_u8().await? {
        5 => socks5(stream, state).await,
        first => connect(first, stream, state).await,
    }
}

async fn connect(
    first: u8,
    stream: &mut TcpStream,
    state: &watch::Sender<State>,
) -> io::Result<()> {
    let mut head = vec![first];
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head
        .strip_prefix("CONNECT ")
        .and_then(|rest| rest.split(' ').next());
    let target = target.expect("a CONNECT").to_owned();
    let credentials = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization"))
        .map(|(_, value)| basic(value));
    let is_wanted = note(state, ProxyProtocol::Http, &target, credentials);
    let conduct = state.borrow().conduct;
    let answer = match conduct {
        ProxyConduct::Babble => "BABBLE\r\n\r\n",
        ProxyConduct::Unreachable => "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 4\r\n\r\noops",
        ProxyConduct::Serve if is_wanted => match reach(state, &target).await {
            Ok(mut upstream) => {
                // In tinyproxy's form.
                let established =
                    b"HTTP/1.0 200 Connection established\r\nProxy-agent: fake\r\n\r\n";
                stream.write_all(established).await?;
                tokio::io::copy_bidirectional(stream, &mut upstream).await?;
                return Ok(());
            }
            Err(_) => "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n",
        },
        _ => {
            "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm=\"x\"\r\n\
              content-length: 0\r\n\r\n"
        }
    };
    stream.write_all(answer.as_bytes()).await
}

async fn socks5(stream: &mut TcpStream, state: &watch::Sender<State>) -> io::Result<()> {
    let offered = counted(stream).await?;
    let conduct = state.borrow().conduct;
    let wanted = state.borrow().credentials.is_some();
    let method = match wanted {
        _ if conduct == ProxyConduct::Babble => return stream.write_all(b"BABBLE").await,
        _ if conduct == ProxyConduct::Refuse => 0xff,
        true if offered.contains(&2) => 2,
        false if offered.contains(&0) => 0,
        _ => 0xff,
    };
    stream.write_all(&[5, method]).await?;
    let mut credentials = None;
    if method == 2 {
        stream.read_u8().await?;
        let user = counted(stream).await?;
        let password = counted(stream).await?;
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        credentials = Some((text(user), text(password)));
        let is_right = credentials == state.borrow().credentials;
        stream.write_all(&[1, u8::from(!is_right)]).await?;
        if !is_right {
            return Ok(());
        }
    }
    if method == 0xff {
        return Ok(());
    }
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    assert_eq!(head[..3], [5, 1, 0], "a SOCKS CONNECT");
    let host = match head[3] {
        1 => IpAddr::from(Ipv4Addr::from(stream.read_u32().await?)).to_string(),
        4 => format!("[{}]", Ipv6Addr::from(stream.read_u128().await?)),
        3 => String::from_utf8(counted(stream).await?).expect("a name"),
        kind => panic!("an address of kind {kind}"),
    };
    let target = format!("{host}:{}", stream.read_u16().await?);
    note(state, ProxyProtocol::Socks5, &target, credentials);
    let upstream = match conduct {
        ProxyConduct::Unreachable => Err(4),
        _ => reach(state, &target).await.map_err(|_| 5),
    };
    let reply = upstream.as_ref().err().copied().unwrap_or(0);
    // A name as the bound address is valid, but rare.
    stream.write_all(&[5, reply, 0, 3, 1, b'x', 0, 80]).await?;
    if let Ok(mut upstream) = upstream {
        tokio::io::copy_bidirectional(stream, &mut upstream).await?;
    }
    Ok(())
}

/// Records the request; returns whether the credentials are right.
fn note(
    state: &watch::Sender<State>,
    protocol: ProxyProtocol,
    target: &str,
    credentials: Option<(String, String)>,
) -> bool {
    let mut is_right = true;
    state.send_modify(|state| {
        is_right = state.credentials.is_none() || state.credentials == credentials;
        state.requests.push(ProxyRequest {
            protocol,
            target: target.to_owned(),
            credentials,
        });
    });
    is_right
}

async fn reach(state: &watch::Sender<State>, target: &str) -> io::Result<TcpStream> {
    let leads_to = state.borrow().leads_to;
    let stream = match leads_to {
        Some(addr) => TcpStream::connect(addr).await?,
        None => TcpStream::connect(target).await?,
    };
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn basic(value: &str) -> (String, String) {
    let encoded = value.strip_prefix("Basic ").expect("Basic credentials");
    let pair = BASE64_STANDARD.decode(encoded).expect("base64");
    let pair = String::from_utf8(pair).expect("UTF-8");
    let (user, password) = pair.split_once(':').expect("a colon");
    (user.to_owned(), password.to_owned())
}

/// One byte for the length, followed by that many bytes.
async fn counted(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::from(stream.read_u8().await?)];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}
