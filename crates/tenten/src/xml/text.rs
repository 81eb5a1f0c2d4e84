use std::borrow::Cow;

use memchr::{memchr, memchr2, memmem};

use super::flaw::Flaw;

/// Bytes as text: UTF-8 where they are that, Latin-1 otherwise, which takes any bytes
/// and loses none.
pub(crate) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}

const CDATA: &[u8] = b"<![CDATA[";
const CDATA_END: &[u8] = b"]]>";

/// What a cell says: its bytes with references resolved and CDATA sections opened.
pub(crate) fn unescape(raw: &[u8]) -> Result<Cow<'_, [u8]>, Flaw> {
    if memchr2(b'&', b'<', raw).is_none() {
        return Ok(Cow::Borrowed(raw));
    }
    let (mut out, mut rest) = (Vec::with_capacity(raw.len()), raw);
    while let Some(at) = memchr2(b'&', b'<', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let taken = match rest.strip_prefix(CDATA) {
            Some(inside) => {
                let end = memmem::find(inside, CDATA_END).ok_or(Flaw::Truncated)?;
                out.extend_from_slice(&inside[..end]);
                CDATA.len() + end + CDATA_END.len()
            }
            None if rest[0] == b'&' => reference(rest, &mut out)?,
            None => return Err(Flaw::Unexpected("an element inside a cell")),
        };
        rest = &rest[taken..];
    }
    out.extend_from_slice(rest);
    Ok(Cow::Owned(out))
}

/// The longest reference that means something: `&#x10FFFF;`, with room for zeros.
const LONGEST_REFERENCE: usize = 16;

/// Resolves the reference that `text` begins with; answers how long it was.
fn reference(text: &[u8], out: &mut Vec<u8>) -> Result<usize, Flaw> {
    let window = &text[..text.len().min(LONGEST_REFERENCE)];
    let end = memchr(b';', window).ok_or(Flaw::Unexpected("an ampersand that begins nothing"))?;
    let resolved = match &text[1..end] {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        name => number(name).ok_or(Flaw::Unexpected("a reference to an unknown entity"))?,
    };
    out.extend_from_slice(resolved.encode_utf8(&mut [0; 4]).as_bytes());
    Ok(end + 1)
}

fn number(name: &[u8]) -> Option<char> {
    let digits = std::str::from_utf8(name.strip_prefix(b"#")?).ok()?;
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    char::from_u32(code.ok()?)
}
