//! Secrets: the master key, and encryption of secrets at rest.
//!
//! A provider's key is sealed (XChaCha20-Poly1305) before it is stored, and bound to its row: a
//! sealed key that is copied to another row cannot be opened. The master key itself comes from
//! outside, or from a file that only its owner can read.
//!
//! ```
//! use nexus_lib::secret::{MasterKey, Sealer};
//! use secrecy::ExposeSecret;
//!
//! # fn main() -> nexus_lib::Result<()> {
//! let sealer = Sealer::new(&MasterKey::generate()?, "server_key");
//! let sealed = sealer.seal(7, "sk-secret")?;
//! assert_eq!(sealer.open(7, &sealed)?.expose_secret(), "sk-secret");
//! assert!(sealer.open(8, &sealed).is_err());
//! # Ok(())
//! # }
//! ```

mod key_check;
mod key_hash;
mod master_key;
mod sealed;
mod sealer;
mod seals;

pub use key_check::KeyCheck;
pub use key_hash::KeyHash;
pub use master_key::MasterKey;
pub use sealed::Sealed;
pub use sealer::Sealer;
pub(crate) use seals::Seals;

#[cfg(test)]
mod tests;
