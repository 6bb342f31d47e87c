use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};

/// The key that seals all other secrets: 32 bytes, wiped from memory when dropped.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; MasterKey::BYTES]>);

impl MasterKey {
    /// The length of a key.
    pub const BYTES: usize = 32;

    /// A key is 44 characters of text: a much longer file is something else.
    const MAX_FILE_BYTES: u64 = 1024;

    /// A new key from the system's random source.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when that source fails.
    pub fn generate() -> Result<Self> {
        let mut bytes = Zeroizing::new([0; Self::BYTES]);
        getrandom::fill(bytes.as_mut_slice()).map_err(no_randomness)?;
        Ok(Self(bytes))
    }

    /// Parses a key in the form of `NEXUS_MASTER_KEY`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when the text is not 32 bytes in base64.
    pub fn from_base64(text: &str) -> Result<Self> {
        let invalid = || {
            Error::new(
                ErrorKind::InvalidConfig,
                "a master key must be 32 random bytes in base64; create one with `openssl rand \
                 -base64 32`",
            )
        };
        let mut bytes = Zeroizing::new([0; Self::BYTES]);
        // One byte more than needed, so that a key that is too long is not silently truncated.
        let mut decoded = Zeroizing::new([0; Self::BYTES + 1]);
        let len = STANDARD
            .decode_slice(text.trim(), decoded.as_mut_slice())
            .map_err(|_| invalid())?;
        if len != Self::BYTES {
            return Err(invalid());
        }
        bytes.copy_from_slice(&decoded[..Self::BYTES]);
        Ok(Self(bytes))
    }

    /// Reads the key from the file at `path`, or creates the file with a new key.
    ///
    /// The file is created atomically and is readable by its owner only. If several processes
    /// create it at once, one wins. Blocks: do not call it on a runtime's worker thread.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when the file contains no key, or other users may read it;
    /// [`ErrorKind::StoreUnavailable`] when it cannot be read or created.
    pub fn load_or_create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if let Some(key) = Self::load(path)? {
            return Ok(key);
        }
        let key = Self::generate()?;
        match key.create_file(path) {
            Ok(()) => Ok(key),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Self::load(path)?.ok_or_else(|| unusable(path, error))
            }
            Err(error) => Err(unusable(path, error)),
        }
    }

    /// Reads the key from the file at `path`; `None` if there is no such file. Blocks.
    ///
    /// # Errors
    /// As for [`load_or_create`](Self::load_or_create).
    pub fn load(path: impl AsRef<Path>) -> Result<Option<Self>> {
        let path = path.as_ref();
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(path, error)),
        };
        refuse_if_shared(&file, path)?;
        let mut text = Zeroizing::new(String::new());
        file.take(Self::MAX_FILE_BYTES)
            .read_to_string(&mut text)
            .map_err(|error| unusable(path, error))?;
        let key = Self::from_base64(&text).map_err(|error| {
            let message = format!("{} holds no master key: {error}", path.display());
            Error::new(ErrorKind::InvalidConfig, message)
        })?;
        Ok(Some(key))
    }

    pub(super) fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    fn create_file(&self, path: &Path) -> io::Result<()> {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(folder)?;
        let draft = Draft::write(path, &self.to_text())?;
        // A hard link, unlike a rename, never replaces what another process has just created.
        match fs::hard_link(&draft.path, path) {
            Ok(()) => {}
            // Not every file system has hard links.
            Err(_) if !path.exists() => fs::rename(&draft.path, path)?,
            Err(error) => return Err(error),
        }
        sync_folder(folder)
    }

    fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(STANDARD.encode(self.0.as_slice()));
        text.push('\n');
        text
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// The key file before it has its final name; removed on drop.
struct Draft {
    path: PathBuf,
}

impl Draft {
    fn write(target: &Path, text: &str) -> io::Result<Self> {
        let suffix = getrandom::u64().map_err(io::Error::other)?;
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{suffix:016x}.new"));
        let path = target.with_file_name(name);
        let mut file = create_private(&path)?;
        let draft = Self { path };
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(draft)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // If it cannot be removed, the draft stays; it is private and harmless.
        let _ = fs::remove_file(&self.path);
    }
}

/// Creates a file that only its owner can read.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
fn refuse_if_shared(file: &File, path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let metadata = file.metadata().map_err(|error| unusable(path, error))?;
    if metadata.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    // Fixing the permissions here would hide that the key may have been read already.
    let path = path.display();
    Err(Error::new(
        ErrorKind::InvalidConfig,
        format!(
            "other users can read the master key {path}; make it private with `chmod 600 {path}`"
        ),
    ))
}

#[cfg(not(unix))]
fn refuse_if_shared(_: &File, _: &Path) -> Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

fn unusable(path: &Path, error: io::Error) -> Error {
    let message = format!("the master key {} cannot be used: {error}", path.display());
    Error::new(ErrorKind::StoreUnavailable, message).with_source(error)
}

pub(super) fn no_randomness(error: getrandom::Error) -> Error {
    Error::new(ErrorKind::Internal, "the system's random source failed").with_source(error)
}
