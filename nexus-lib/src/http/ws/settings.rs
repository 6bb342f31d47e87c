use std::time::Duration;

/// Limits and timeouts of WebSockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketSettings {
    /// The maximum number of open chats on one socket. Default: 64.
    pub max_chats: usize,
    /// The maximum size of a client's frames and messages, in bytes. Default: 4 MiB.
    pub max_frame_bytes: usize,
    /// How long a client without a key may take to send one. Default: 10 s.
    pub auth_within: Duration,
    /// How often clients are pinged; one that leaves two pings unanswered is disconnected. Default:
    /// 30 s.
    pub ping_every: Duration,
    /// How long a resumable chat continues without its client, and its end is kept. Default: 60 s.
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
