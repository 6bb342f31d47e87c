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
    pub(super) fn well(&mut self, what: impl Display, finding: impl Display) {
        print("ok", what, finding);
    }

    /// Reports something surprising that is not an error.
    pub(super) fn note(&mut self, what: impl Display, finding: impl Display) {
        print("note", what, finding);
    }

    /// Reports what is wrong with `what`.
    pub(super) fn ill(&mut self, what: impl Display, finding: impl Display) {
        self.faults += 1;
        print("FAIL", what, finding);
    }

    /// 0 if nothing was wrong, otherwise 1.
    pub(super) fn verdict(&self) -> ExitCode {
        match self.faults {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }
}

fn print(verdict: &str, what: impl Display, finding: impl Display) {
    // With a closed stdout the exit code is enough.
    let _ = writeln!(std::io::stdout(), "{verdict:<4}  {what}: {finding}");
}
