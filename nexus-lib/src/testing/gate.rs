use tokio::sync::watch;

use super::deadline::within;

/// Holds an answer at a step until the gate is opened. A clone is the same gate; once open, it
/// stays open.
#[derive(Debug, Clone)]
pub struct Gate(watch::Sender<State>);

#[derive(Debug, Default, Clone, Copy)]
struct State {
    open: bool,
    reached: bool,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self(watch::Sender::new(State::default()))
    }

    /// Releases all who wait, now and later.
    pub fn open(&self) {
        self.0.send_modify(|state| state.open = true);
    }

    /// Waits until an answer has reached the gate: everything before it was written to the socket.
    pub async fn reached(&self) {
        let mut state = self.0.subscribe();
        let _ = within(
            "a gate to be reached",
            state.wait_for(|state| state.reached),
        )
        .await;
    }

    /// Waits at the gate until it is open: for anything else that a test holds back.
    pub async fn pass(&self) {
        self.0.send_modify(|state| state.reached = true);
        let mut state = self.0.subscribe();
        // The sender is part of `self`, so this ends only when the gate is open.
        let _ = state.wait_for(|state| state.open).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
