//! CPU time by thread, from the kernel's accounting.

use std::collections::HashMap;
use std::fs;
use std::io;

/// Nanoseconds on a CPU so far, by thread id.
pub(crate) struct CpuTimes(HashMap<u64, u64>);

impl CpuTimes {
    /// Reads the threads of this process whose names begin with one of `names`.
    ///
    /// The kernel updates a thread's figure when it stops running, so the threads should be idle
    /// now.
    pub(crate) fn of_threads(names: &[&str]) -> io::Result<Self> {
        let mut times = HashMap::new();
        for entry in fs::read_dir("/proc/self/task")? {
            let path = entry?.path();
            // A thread may end between listing and reading.
            let Ok(name) = fs::read_to_string(path.join("comm")) else {
                continue;
            };
            let Ok(stat) = fs::read_to_string(path.join("schedstat")) else {
                continue;
            };
            let id = path.file_name().and_then(|id| id.to_str()?.parse().ok());
            let ran = stat.split(' ').next().and_then(|ns| ns.parse().ok());
            if let (Some(id), Some(ran)) = (id, ran)
                && names.iter().any(|prefix| name.starts_with(prefix))
            {
                times.insert(id, ran);
            }
        }
        Ok(Self(times))
    }

    /// The increase since `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> u64 {
        let Self(times) = self;
        times
            .iter()
            .map(|(id, ran)| ran - earlier.0.get(id).unwrap_or(&0))
            .sum()
    }
}
