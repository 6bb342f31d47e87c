use bytes::Bytes;

/// The event that carries `data`, which must hold no line ends, as JSON without whitespace does not.
pub fn encode_data(data: &[u8]) -> Bytes {
    [b"data: ", data, b"\n\n"].concat().into()
}
