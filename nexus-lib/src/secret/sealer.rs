use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::master_key::no_randomness;
use super::{MasterKey, Sealed};
use crate::error::{Error, ErrorKind, Result};

/// The first byte of sealed data, so that a later format can be recognised.
const FORMAT: u8 = 1;
const NONCE_BYTES: usize = 24;

/// Seals texts for one purpose, each bound to the id of its row.
///
/// Sealed data is a format byte, a random nonce and the ciphertext with its tag. Purpose, row and
/// format are authenticated too.
#[derive(Clone)]
pub struct Sealer {
    cipher: XChaCha20Poly1305,
    purpose: &'static str,
}

impl Sealer {
    /// A sealer for `purpose`: data sealed for one purpose does not open for another.
    pub fn new(key: &MasterKey, purpose: &'static str) -> Self {
        let cipher = XChaCha20Poly1305::new(key.as_bytes().into());
        Self { cipher, purpose }
    }

    /// Seals `text` for row `id`.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the system's random source fails.
    pub fn seal(&self, id: i64, text: &str) -> Result<Sealed> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(no_randomness)?;
        let payload = Payload {
            msg: text.as_bytes(),
            aad: &self.associated_data(id),
        };
        let ciphertext = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::new(ErrorKind::Internal, "a secret could not be sealed"))?;
        let mut sealed = Vec::with_capacity(1 + NONCE_BYTES + ciphertext.len());
        sealed.push(FORMAT);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        Ok(Sealed::from_bytes(sealed))
    }

    /// Opens data that was sealed for row `id`.
    ///
    /// # Errors
    /// [`ErrorKind::StoreInvalid`] when it was sealed with another master key, for another purpose
    /// or row, or was modified.
    pub fn open(&self, id: i64, sealed: &Sealed) -> Result<SecretString> {
        let invalid = || {
            Error::new(
                ErrorKind::StoreInvalid,
                "a sealed secret cannot be opened: it was modified, or the master key is a \
                 different one",
            )
        };
        let (format, rest) = sealed.as_bytes().split_first().ok_or_else(invalid)?;
        let (nonce, ciphertext) = rest
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or_else(invalid)?;
        if *format != FORMAT {
            return Err(invalid());
        }
        let payload = Payload {
            msg: ciphertext,
            aad: &self.associated_data(id),
        };
        let clear = self
            .cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| invalid())?;
        let text = std::str::from_utf8(&clear).map_err(|_| invalid())?;
        Ok(SecretString::from(text))
    }

    fn associated_data(&self, id: i64) -> Vec<u8> {
        let mut data = Vec::with_capacity(1 + 8 + self.purpose.len());
        data.push(FORMAT);
        data.extend_from_slice(&id.to_be_bytes());
        data.extend_from_slice(self.purpose.as_bytes());
        data
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer")
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}
