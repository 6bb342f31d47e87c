use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::report::Report;
use crate::settings::Settings;

/// Tries to write where the server would: permissions alone do not show a full disk, a read-only
/// mount, or files of an earlier run by another user.
pub(super) fn check(settings: &Settings, report: &mut Report) {
    let folders = [
        ("data folder", Some(&*settings.data_dir)),
        ("logs folder", Some(&*settings.logs_dir)),
        ("messages folder", settings.messages_dir.as_deref()),
        ("store's folder", settings.database.parent()),
    ];
    for (name, folder) in folders {
        // The database is in the data folder unless another place is set.
        let is_elsewhere = name != "store's folder" || folder != Some(&*settings.data_dir);
        if let Some(folder) = folder.filter(|_| is_elsewhere) {
            check_folder(name, or_here(folder), report);
        }
    }
    check_files(settings, report);
}

fn check_folder(name: &str, folder: &Path, report: &mut Report) {
    let shown = folder.display();
    match fs::metadata(folder) {
        Ok(found) if !found.is_dir() => report.ill(name, format!("{shown} is not a folder")),
        Ok(_) => match try_to_write(folder) {
            Ok(()) => report.well(name, shown),
            Err(error) => report.ill(name, format!("{shown} cannot be written: {error}")),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match try_to_write(nearest(folder)) {
                Ok(()) => report.well(name, format!("{shown} will be created at the first start")),
                Err(error) => report.ill(name, format!("{shown} cannot be created: {error}")),
            }
        }
        Err(error) => report.ill(name, format!("{shown} cannot be reached: {error}")),
    }
}

/// Files of an earlier run that the server appends to.
fn check_files(settings: &Settings, report: &mut Report) {
    let log = crate::logs::todays_file(&settings.logs_dir);
    let beside = |end: &str| {
        let mut path = settings.database.clone().into_os_string();
        path.push(end);
        PathBuf::from(path)
    };
    let (lock, wal) = (beside(".lock"), beside("-wal"));
    for (name, path) in [
        ("store", &*settings.database),
        ("store's lock", &*lock),
        ("store's write-ahead log", &*wal),
        ("log file", &*log),
    ] {
        // Opened for appending: nothing is written or created.
        match OpenOptions::new().append(true).open(path) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => report.ill(
                name,
                format!("{} cannot be written: {error}", path.display()),
            ),
        }
    }
}

/// Creates a file of one byte in `folder`, and deletes it.
fn try_to_write(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!(".nexus-check-{}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)?;
    let written = file.write_all(b"\n").and_then(|()| file.sync_all());
    drop(file);
    fs::remove_file(&path)?;
    written
}

/// The nearest existing parent folder.
fn nearest(folder: &Path) -> &Path {
    let there = folder.ancestors().map(or_here).find(|path| path.exists());
    there.unwrap_or(folder)
}

/// A relative path without folders has an empty parent.
fn or_here(path: &Path) -> &Path {
    match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    }
}
