//! What keeps secrets: the master key, and the sealing of what rests on disk.
//!
//! A provider's key is sealed (XChaCha20-Poly1305) before it is stored, and the seal is bound to the
//! row that it belongs to: a sealed key that is copied to another row does not open. The master key
//! itself comes from outside, or from a file that only its owner can read.
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

mod master_key;
mod sealer;

pub use master_key::MasterKey;
pub use sealer::Sealer;

#[cfg(test)]
mod tests;
