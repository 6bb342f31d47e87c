use std::fs;
use std::path::Path;

/// Used if neither a control group nor the machine reports its memory.
const UNKNOWN: u64 = 4 << 30;

/// A quarter of the memory that this process may use: the machine's, or the limit of its control
/// group.
///
/// Reads a few small system files.
pub(crate) fn a_quarter() -> usize {
    let machine = fs::read_to_string("/proc/meminfo").ok();
    let machine = machine.and_then(|text| in_meminfo(&text));
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = least_of_groups(&groups, Path::new("/sys/fs/cgroup"));
    let bytes = [machine, group].into_iter().flatten().min();
    usize::try_from(bytes.unwrap_or(UNKNOWN) / 4).unwrap_or(usize::MAX)
}

fn in_meminfo(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The lowest limit of the groups in `/proc/self/cgroup` and their parents.
fn least_of_groups(groups: &str, mount: &Path) -> Option<u64> {
    let limits = groups.lines().flat_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, group) = (fields.next().unwrap_or(""), fields.next().unwrap_or(""));
        let (root, file) = match controllers {
            // Version 2 has one tree.
            "" => (mount.to_owned(), "memory.max"),
            _ if controllers.split(',').any(|one| one == "memory") => {
                (mount.join("memory"), "memory.limit_in_bytes")
            }
            _ => return Vec::new(),
        };
        let group = root.join(group.trim_start_matches('/'));
        let above = group.ancestors().take_while(|path| path.starts_with(&root));
        // In a container the group may appear as the root, whatever its name.
        let paths = above.map(|path| path.join(file));
        paths
            .filter_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok())
            .collect()
    });
    limits.min()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn machine_says_how_much_it_has() {
        let text = "MemTotal:       24576 kB\nMemFree:         1 kB\n";
        assert_eq!(in_meminfo(text), Some(24 << 20));
        assert_eq!(in_meminfo(""), None);
        assert!(a_quarter() > 16 << 20);
    }

    #[test]
    fn the_least_of_all_groups_counts() {
        let mount = TempDir::new().unwrap();
        let write = |path: &str, text: &str| {
            let path = mount.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("system.slice/memory.max", "1000\n");
        write("system.slice/nexus.service/memory.max", "max\n");
        write(
            "memory/docker/memory.limit_in_bytes",
            "9223372036854771712\n",
        );
        write("memory/memory.limit_in_bytes", "500\n");
        let least = |groups| least_of_groups(groups, mount.path());
        assert_eq!(least("0::/system.slice/nexus.service\n"), Some(1000));
        assert_eq!(least("5:cpu:/x\n4:memory,x:/docker\n"), Some(500));
        assert_eq!(least("0::/elsewhere\n"), None);
        assert_eq!(least(""), None);
    }
}
