use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

/// The timeout of each step: health checks run often.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks the server with the same settings whether it is ready, and returns 0 if it is, otherwise 1:
/// for containers, which have no other program for this.
pub(crate) fn run(admin_addr: SocketAddr) -> ExitCode {
    let problem = match ask(reachable(admin_addr)) {
        Ok(status) if status == "200" => return ExitCode::SUCCESS,
        Ok(status) => format!("the server answers {status}"),
        Err(error) => format!("no server answers on {admin_addr}: {error}"),
    };
    eprintln!("nexus-server: {problem}");
    ExitCode::FAILURE
}

/// A server that listens on all addresses is reachable at the loopback address.
fn reachable(mut addr: SocketAddr) -> SocketAddr {
    if addr.ip().is_unspecified() {
        addr.set_ip(match addr.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    addr
}

/// The status of `GET /readyz`.
fn ask(addr: SocketAddr) -> io::Result<String> {
    let mut server = TcpStream::connect_timeout(&addr, PATIENCE)?;
    server.set_read_timeout(Some(PATIENCE))?;
    server.set_write_timeout(Some(PATIENCE))?;
    server.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    // `HTTP/1.1 200`, and nothing that follows.
    let mut head = [0; 12];
    server.read_exact(&mut head)?;
    let status = head.strip_prefix(b"HTTP/1.1 ").unwrap_or_default();
    Ok(String::from_utf8_lossy(status).into_owned())
}
