use super::Version;
use super::rc::Refusal;

/// An answer being written: `<rc>` first, no XML declaration.
#[derive(Debug)]
pub(crate) struct Output {
    bytes: Vec<u8>,
    version: Version,
}

impl Output {
    /// Opens the envelope and says `<rc>`.
    pub(crate) fn new(version: Version, rc: u16) -> Self {
        let mut output = Self { bytes: Vec::with_capacity(256), version };
        if version == Version::Three {
            output.raw("<out>");
        }
        output.element("rc", &rc.to_string());
        output
    }

    /// All there is to say: a code and a message.
    pub(crate) fn message(version: Version, rc: u16, msg: &str) -> Vec<u8> {
        let mut output = Self::new(version, rc);
        output.element("msg", msg);
        output.finish()
    }

    pub(crate) fn refusal(version: Version, refusal: &Refusal) -> Vec<u8> {
        Self::message(version, refusal.rc, &refusal.msg)
    }

    pub(crate) fn element(&mut self, name: &str, text: &str) {
        self.raw("<");
        self.raw(name);
        self.raw(">");
        escape_text(&mut self.bytes, text.as_bytes());
        self.raw("</");
        self.raw(name);
        self.raw(">");
    }

    pub(crate) fn raw(&mut self, markup: &str) {
        self.bytes.extend_from_slice(markup.as_bytes());
    }

    /// For those who write markup of their own.
    pub(crate) const fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Closes the envelope.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.raw(Self::end(self.version));
        self.bytes
    }

    /// The bytes so far, and what closes the envelope: for answers whose middle is
    /// written later.
    pub(crate) fn split(self) -> (Vec<u8>, &'static str) {
        (self.bytes, Self::end(self.version))
    }

    const fn end(version: Version) -> &'static str {
        match version {
            Version::Two => "",
            Version::Three => "</out>",
        }
    }
}

/// Text between tags. Bytes are passed on as they are, valid UTF-8 or not; a
/// carriage return would not survive a parser, so it goes as a reference.
pub(crate) fn escape_text(out: &mut Vec<u8>, text: &[u8]) {
    escape(out, text, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'\r' => Some("&#13;"),
        _ => None,
    });
}

/// A heading or an attribute's value: here line breaks are references, too.
pub(crate) fn escape_heading(out: &mut Vec<u8>, text: &[u8]) {
    escape(out, text, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'"' => Some("&quot;"),
        b'\n' => Some("&#10;"),
        b'\r' => Some("&#13;"),
        b'\t' => Some("&#9;"),
        _ => None,
    });
}

#[inline]
fn escape(out: &mut Vec<u8>, text: &[u8], special: impl Fn(u8) -> Option<&'static str>) {
    let mut plain = 0;
    for (at, byte) in text.iter().enumerate() {
        if let Some(reference) = special(*byte) {
            out.extend_from_slice(&text[plain..at]);
            out.extend_from_slice(reference.as_bytes());
            plain = at + 1;
        }
    }
    out.extend_from_slice(&text[plain..]);
}
