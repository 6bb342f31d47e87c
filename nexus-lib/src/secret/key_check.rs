use secrecy::ExposeSecret;

use super::{MasterKey, Sealed, Sealer};
use crate::error::{Error, ErrorKind, Result};

const ROW: i64 = 1;
const TEXT: &str = "nexus";

/// A known text, sealed: kept beside sealed secrets, it tells whether a master key is theirs.
///
/// ```
/// use nexus_lib::secret::{KeyCheck, MasterKey};
///
/// # fn main() -> nexus_lib::Result<()> {
/// let check = KeyCheck::new(&MasterKey::generate()?);
/// let kept = check.seal()?;
/// assert!(check.verify(&kept).is_ok());
/// assert!(KeyCheck::new(&MasterKey::generate()?).verify(&kept).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct KeyCheck(Sealer);

impl KeyCheck {
    /// The check for this key.
    pub fn new(key: &MasterKey) -> Self {
        Self(Sealer::new(key, "canary"))
    }

    /// What is to be kept.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the system's random source fails.
    pub fn seal(&self) -> Result<Sealed> {
        self.0.seal(ROW, TEXT)
    }

    /// Accepts what was sealed with the same key.
    ///
    /// # Errors
    /// [`ErrorKind::StoreInvalid`] for anything else.
    pub fn verify(&self, kept: &Sealed) -> Result<()> {
        match self.0.open(ROW, kept) {
            Ok(text) if text.expose_secret() == TEXT => Ok(()),
            _ => Err(Error::new(
                ErrorKind::StoreInvalid,
                "the master key is not the one that the stored secrets were sealed with",
            )),
        }
    }
}
