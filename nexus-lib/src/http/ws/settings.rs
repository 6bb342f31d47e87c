use std::time::Duration;

/// What a WebSocket may take, and for how long it is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketSettings {
    /// How many chats may be open on one socket. 64 unless set.
    pub max_chats: usize,
    /// The longest frame, and the longest message, that a client may send, in bytes. 4 MiB unless set.
    pub max_frame_bytes: usize,
    /// How long a client that showed no key yet may take to send one. 10 s unless set.
    pub auth_within: Duration,
    /// How often a client is pinged; one that leaves two pings unanswered is gone. 30 s unless set.
    pub ping_every: Duration,
    /// How long a resumable chat goes on without its client, and its end is kept for it. 60 s unless set.
    pub resume_within: Duration,
}

impl Default for SocketSettings {
    fn default() -> Self {
        Self {
            max_chats: 64,
            max_frame_bytes: 4 << 20,
            auth_within: Duration::from_secs(10),
            ping_every: Duration::from_secs(30),
            resume_within: Duration::from_secs(60),
        }
    }
}
