use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

/// The results, printed line by line.
#[derive(Debug, Default)]
pub(super) struct Report {
    faults: u32,
}

impl Report {
    /// Reports that `what` is in order.
    pub(super) fn well(&mut self, what: impl Display, told: impl Display) {
        say("ok", what, told);
    }

    /// Reports something surprising that is not an error.
    pub(super) fn note(&mut self, what: impl Display, told: impl Display) {
        say("note", what, told);
    }

    /// Reports what is wrong with `what`.
    pub(super) fn ill(&mut self, what: impl Display, told: impl Display) {
        self.faults += 1;
        say("FAIL", what, told);
    }

    /// 0 if nothing was wrong, otherwise 1.
    pub(super) fn verdict(&self) -> ExitCode {
        match self.faults {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }
}

fn say(verdict: &str, what: impl Display, told: impl Display) {
    // With a closed stdout the exit code is enough.
    let _ = writeln!(std::io::stdout(), "{verdict:<4}  {what}: {told}");
}
