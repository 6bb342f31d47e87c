use crate::call::*;
use crate::error::Result;
use bytes::Bytes;
pub(super) fn observe_completion(_: &[u8]) -> Observed {
    Observed::default()
}
pub(super) struct ChunkObserver;
impl ChunkObserver {
    pub(super) fn new(_: bool) -> Self {
        Self
    }
    pub(super) fn push(&mut self, bytes: Bytes) -> Result<Piece> {
        Ok(Piece {
            bytes,
            observed: Observed::default(),
        })
    }
    pub(super) fn finish(&mut self) -> Result<Piece> {
        Ok(Piece::default())
    }
}
