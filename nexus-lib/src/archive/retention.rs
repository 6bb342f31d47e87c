use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;

use super::files::Hour;

/// Deletes the files whose hour ended by the second `oldest`, and folders that become empty;
/// returns the number of files. Links are not followed.
pub(super) fn delete(dir: &Path, oldest: i64) -> io::Result<u64> {
    let mut deleted = 0;
    for (year, year_entry) in entries(dir, true)? {
        let before_year = deleted;
        for (month, month_entry) in entries(&year_entry.path(), true)? {
            let before_month = deleted;
            for (day, day_entry) in entries(&month_entry.path(), true)? {
                let before_day = deleted;
                for (file, file_entry) in entries(&day_entry.path(), false)? {
                    let hour = Hour::of_names(&year, &month, &day, &file);
                    if hour.is_some_and(|hour| hour.end() <= oldest) {
                        fs::remove_file(file_entry.path())?;
                        deleted += 1;
                    }
                }
                remove_if_empty(&day_entry, deleted > before_day);
            }
            remove_if_empty(&month_entry, deleted > before_month);
        }
        remove_if_empty(&year_entry, deleted > before_year);
    }
    Ok(deleted)
}

fn remove_if_empty(folder: &DirEntry, lost_files: bool) {
    if lost_files {
        // Fails if something is left in it.
        let _ = fs::remove_dir(folder.path());
    }
}

/// The folders or files in `dir` that could be part of an archive path, with their names.
fn entries(dir: &Path, folders: bool) -> io::Result<Vec<(String, DirEntry)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let fits = if folders {
            kind.is_dir()
        } else {
            kind.is_file()
        };
        let begins_well = |name: &String| name.starts_with(|first: char| first.is_ascii_digit());
        let name = entry.file_name().into_string().ok().filter(begins_well);
        if let (true, Some(name)) = (fits, name) {
            found.push((name, entry));
        }
    }
    Ok(found)
}
