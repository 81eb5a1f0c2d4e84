use memchr::{memchr, memchr2};

/// The records of a CSV text, each as how many fields it has.
///
/// Written as RFC 4180 has it; a quote that begins no field is a character, for nobody
/// knows whether the platform quotes at all.
#[derive(Debug)]
pub(crate) struct Records<'t> {
    text: &'t [u8],
    at: usize,
    separator: u8,
}

impl<'t> Records<'t> {
    pub(crate) const fn of(text: &'t [u8], separator: u8) -> Self {
        Self { text, at: 0, separator }
    }

    /// Where the next one begins.
    pub(crate) const fn place(&self) -> usize {
        self.at
    }

    /// Goes to what ends the field that begins here.
    fn pass_field(&mut self) {
        if self.text.get(self.at) == Some(&b'"') {
            self.pass_quoted();
        }
        let rest = &self.text[self.at..];
        self.at += memchr2(self.separator, b'\n', rest).unwrap_or(rest.len());
    }

    /// Goes behind the closing quote; a doubled one is a character.
    fn pass_quoted(&mut self) {
        self.at += 1;
        while let Some(quote) = memchr(b'"', &self.text[self.at..]) {
            self.at += quote + 1;
            match self.text.get(self.at) {
                Some(b'"') => self.at += 1,
                _ => return,
            }
        }
        self.at = self.text.len();
    }
}

impl Iterator for Records<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.at >= self.text.len() {
            return None;
        }
        let mut fields = 0;
        loop {
            self.pass_field();
            fields += 1;
            match self.text.get(self.at) {
                Some(byte) if *byte == self.separator => self.at += 1,
                Some(_) => {
                    self.at += 1;
                    return Some(fields);
                }
                None => return Some(fields),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_told_apart_whatever_their_fields_hold() {
        for (text, fields) in [
            ("", vec![]),
            ("a,b\n1,2\n", vec![2, 2]),
            ("a,b\r\n1,2", vec![2, 2]),
            ("a\n\n1\n", vec![1, 1, 1]),
            (",\n", vec![2]),
            ("\"a,\"\"\nb\",2\n3,4\n", vec![2, 2]),
            ("a\"b,c\nd\"e,f\n", vec![2, 2]),
            ("\"a\"b,c\n", vec![2]),
            ("\"never closed,\n1,2\n", vec![1]),
            ("1,2,", vec![3]),
        ] {
            assert_eq!(Records::of(text.as_bytes(), b',').collect::<Vec<_>>(), fields, "{text:?}");
        }
    }
}
