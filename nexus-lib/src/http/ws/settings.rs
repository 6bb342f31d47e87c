use std::time::Duration;

/// Limits and timeouts of WebSockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
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

impl SocketSettings {
    /// Sets [`max_chats`](Self::max_chats).
    #[must_use]
    pub const fn max_chats(mut self, max_chats: usize) -> Self {
        self.max_chats = max_chats;
        self
    }

    /// Sets [`max_frame_bytes`](Self::max_frame_bytes).
    #[must_use]
    pub const fn max_frame_bytes(mut self, max_frame_bytes: usize) -> Self {
        self.max_frame_bytes = max_frame_bytes;
        self
    }

    /// Sets [`auth_within`](Self::auth_within).
    #[must_use]
    pub const fn auth_within(mut self, auth_within: Duration) -> Self {
        self.auth_within = auth_within;
        self
    }

    /// Sets [`ping_every`](Self::ping_every).
    #[must_use]
    pub const fn ping_every(mut self, ping_every: Duration) -> Self {
        self.ping_every = ping_every;
        self
    }

    /// Sets [`resume_within`](Self::resume_within).
    #[must_use]
    pub const fn resume_within(mut self, resume_within: Duration) -> Self {
        self.resume_within = resume_within;
        self
    }
}
