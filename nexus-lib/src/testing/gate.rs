use tokio::sync::watch;

use super::deadline::within;

/// Holds an answer back at a step until it is opened. A clone is the same gate; once open, it stays
/// open.
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

    /// Lets through whoever waits, now and later.
    pub fn open(&self) {
        self.0.send_modify(|state| state.open = true);
    }

    /// Waits until an answer stands at the gate: everything before it was given to the socket.
    pub async fn reached(&self) {
        let mut state = self.0.subscribe();
        let _ = within(
            "a gate to be reached",
            state.wait_for(|state| state.reached),
        )
        .await;
    }

    /// Stands at the gate until it is open: for what a test makes wait besides an answer.
    pub async fn pass(&self) {
        self.0.send_modify(|state| state.reached = true);
        let mut state = self.0.subscribe();
        // The sender lives in `self`, so that this ends only when the gate is open.
        let _ = state.wait_for(|state| state.open).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
