use bytes::Bytes;

/// An event with `data`, which must not contain line ends. JSON without whitespace does not.
pub fn encode_data(data: &[u8]) -> Bytes {
    [b"data: ", data, b"\n\n"].concat().into()
}
