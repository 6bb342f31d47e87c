use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

/// What was found, told line by line as it is found.
#[derive(Debug, Default)]
pub(super) struct Report {
    faults: u32,
}

impl Report {
    /// Tells that `what` is in order.
    pub(super) fn well(&mut self, what: impl Display, told: impl Display) {
        say("ok", what, told);
    }

    /// Tells what may surprise, but keeps nothing from working.
    pub(super) fn note(&mut self, what: impl Display, told: impl Display) {
        say("note", what, told);
    }

    /// Tells what is wrong with `what`.
    pub(super) fn ill(&mut self, what: impl Display, told: impl Display) {
        self.faults += 1;
        say("FAIL", what, told);
    }

    /// 0 when nothing was wrong, else 1.
    pub(super) fn verdict(&self) -> ExitCode {
        match self.faults {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }
}

fn say(verdict: &str, what: impl Display, told: impl Display) {
    // Whoever closed our stdout goes by the exit code.
    let _ = writeln!(std::io::stdout(), "{verdict:<4}  {what}: {told}");
}
