//! Answers that end too early, as bytes on the wire.

use bytes::Bytes;

/// So many bytes of the body, where all of it was promised.
pub(super) fn truncated(body: &[u8], bytes: usize) -> Bytes {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), &body[..bytes.min(body.len())]].concat().into()
}

/// So many bytes of the body in chunks, without the one that ends them.
pub(super) fn chunks(body: &[u8], bytes: usize) -> Bytes {
    let mut out =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for chunk in body[..bytes.min(body.len())].chunks(8 * 1024) {
        out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
    }
    out.into()
}
