use std::time::Instant;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::watch;

use super::http1::{Framing, Incoming, value_of};
use super::{RecordedRequest, Script, Step};

/// What an upstream has observed so far.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) requests: Vec<RecordedRequest>,
    /// For each connection, when its peer closed it.
    pub(super) closed: Vec<Option<Instant>>,
}

/// One accepted connection.
pub(super) struct Connection {
    index: usize,
    incoming: Incoming,
    socket: OwnedWriteHalf,
    log: watch::Sender<Log>,
    script: Script,
}

/// What happens to the connection after a step.
enum After {
    GoOn,
    /// This side closes it.
    Leave,
    /// This side resets it (RST).
    Reset,
    /// The peer has closed it.
    Left,
}

impl Connection {
    pub(super) fn new(
        index: usize,
        stream: TcpStream,
        log: watch::Sender<Log>,
        script: Script,
    ) -> Self {
        let (read, socket) = stream.into_split();
        let incoming = Incoming::new(read);
        Self {
            index,
            incoming,
            socket,
            log,
            script,
        }
    }

    /// Answers requests until either side closes the connection.
    pub(super) async fn serve(mut self) {
        let after = loop {
            let Some(request) = self.next_request().await else {
                break After::Left;
            };
            let last = value_of(&request.headers, "connection") == Some("close");
            match self.answer(&request).await {
                After::GoOn if last => break After::Leave,
                After::GoOn => {}
                after => break after,
            }
        };
        match after {
            After::Left => {
                let now = Some(Instant::now());
                self.log.send_modify(|log| log.closed[self.index] = now);
            }
            // On drop, this half would send FIN first.
            After::Reset => self.socket.forget(),
            After::GoOn | After::Leave => {}
        }
    }

    async fn next_request(&mut self) -> Option<RecordedRequest> {
        let head = self.incoming.head().await?;
        let body = self.incoming.body(head.framing(Framing::Length(0))).await?;
        let mut recorded = None;
        self.log.send_modify(|log| {
            let request = RecordedRequest::new(log.requests.len(), self.index, head, body);
            recorded = Some(request.clone());
            log.requests.push(request);
        });
        recorded
    }

    async fn answer(&mut self, request: &RecordedRequest) -> After {
        for step in self.script.answer(request).into_steps() {
            // A peer that closes is noticed during every step, not only when the next request is
            // read.
            let after = tokio::select! {
                biased;
                after = perform(&mut self.socket, step) => after,
                () = self.incoming.until_closed() => After::Left,
            };
            if !matches!(after, After::GoOn) {
                return after;
            }
        }
        After::GoOn
    }
}

async fn perform(socket: &mut OwnedWriteHalf, step: Step) -> After {
    match step {
        Step::Bytes(bytes) => write(socket, bytes).await,
        Step::Pause(gate) => {
            gate.pass().await;
            After::GoOn
        }
        Step::Cut => {
            let _ = socket.shutdown().await;
            After::Leave
        }
        Step::Reset => {
            // With a linger of zero the close that follows sends RST.
            let _ = socket.as_ref().set_zero_linger();
            After::Reset
        }
        Step::Hang => std::future::pending().await,
    }
}

async fn write(socket: &mut OwnedWriteHalf, bytes: Bytes) -> After {
    match socket.write_all(&bytes).await {
        Ok(()) => After::GoOn,
        Err(_) => After::Left,
    }
}
