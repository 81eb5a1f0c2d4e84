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

/// What stands in the CDATA section that all of this is, if it is one.
pub(super) fn only_section(raw: &[u8]) -> Option<&[u8]> {
    let inside = raw.strip_prefix(CDATA)?.strip_suffix(CDATA_END)?;
    memmem::find(inside, CDATA_END).is_none().then_some(inside)
}

/// What a cell says, as text: its own encoding is known before a reference adds a
/// character.
pub(crate) fn text(raw: &[u8]) -> Result<Cow<'_, str>, Flaw> {
    let unescaped = match decode(raw) {
        Cow::Borrowed(text) => match unescape(text.as_bytes())? {
            Cow::Borrowed(_) => return Ok(Cow::Borrowed(text)),
            Cow::Owned(bytes) => bytes,
        },
        Cow::Owned(text) => unescape(text.as_bytes())?.into_owned(),
    };
    // It is UTF-8 by now, as is what was put into it.
    String::from_utf8(unescaped).map(Cow::Owned).map_err(|_| Flaw::Unexpected("bytes in UTF-8"))
}

/// What a cell says: its bytes with references resolved and CDATA sections opened. A
/// character is put into Latin-1 as that, if it has it.
pub(crate) fn unescape(raw: &[u8]) -> Result<Cow<'_, [u8]>, Flaw> {
    if memchr2(b'&', b'<', raw).is_none() {
        return Ok(Cow::Borrowed(raw));
    }
    let is_latin_1 = std::str::from_utf8(raw).is_err();
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
            None if rest[0] == b'&' => {
                let (character, length) = reference(rest)?;
                match u8::try_from(character) {
                    Ok(byte) if is_latin_1 => out.push(byte),
                    _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
                }
                length
            }
            None => return Err(Flaw::Unexpected("an element inside a cell")),
        };
        rest = &rest[taken..];
    }
    out.extend_from_slice(rest);
    Ok(Cow::Owned(out))
}

/// The longest reference that means something: `&#x10FFFF;`, with room for zeros.
const LONGEST_REFERENCE: usize = 16;

/// Resolves the reference that `text` begins with; answers also how long it was.
fn reference(text: &[u8]) -> Result<(char, usize), Flaw> {
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
    Ok((resolved, end + 1))
}

fn number(name: &[u8]) -> Option<char> {
    let digits = std::str::from_utf8(name.strip_prefix(b"#")?).ok()?;
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    char::from_u32(code.ok()?)
}
