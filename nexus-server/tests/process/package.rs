//! The content of the published packages.

use std::process::Command;

/// The files of a package.
fn files(package: &str) -> Vec<String> {
    let listed = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "package",
            "--list",
            "--allow-dirty",
            "--offline",
            "-p",
            package,
        ])
        .output()
        .unwrap();
    assert!(listed.status.success(), "{listed:?}");
    let listed = String::from_utf8(listed.stdout).unwrap();
    listed.lines().map(str::to_owned).collect()
}

#[test]
fn packages_have_a_readme_and_no_tests() {
    for package in ["nexus-lib", "nexus-server"] {
        let files = files(package);
        assert!(files.iter().any(|file| file == "README.md"), "{files:?}");
        assert!(files.len() > 20, "{files:?}");
        let unwanted = |file: &&String| {
            let parts = [
                "tests",
                "tests.rs",
                "fixtures",
                "snapshots",
                "proptest-regressions",
            ];
            file.split('/').any(|part| parts.contains(&part))
        };
        let unwanted: Vec<_> = files.iter().filter(unwanted).collect();
        assert!(unwanted.is_empty(), "{package}: {unwanted:?}");
    }
}
