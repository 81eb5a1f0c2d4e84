//! Everything around the rows, by quick-xml.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::element::Element;
use super::flaw::{Flaw, XmlError};
use super::limits::XmlLimits;
use super::text::decode;

/// Characters of what quick-xml says about an answer.
const LONGEST_FLAW: usize = 1000;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads the root element from the pieces, as one document.
pub(super) fn read(pieces: &[&[u8]], limits: &XmlLimits) -> Result<Element, XmlError> {
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    if length > limits.max_text {
        let flaw = Flaw::TooMuch { what: "bytes beside the rows", limit: limits.max_text };
        return Err(XmlError::at(limits.max_text, flaw));
    }
    let joined = match pieces {
        [whole] => Cow::Borrowed(*whole),
        pieces => Cow::Owned(pieces.concat()),
    };
    let whole = decode(&joined);
    let text = whole.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&whole).trim_start();
    if !text.starts_with('<') {
        return Err(XmlError::at(0, Flaw::Unexpected("answer is no XML")));
    }
    let skipped = whole.len() - text.len();
    let reader = Reader::from_str(text);
    let tree = Tree { limits, reader, open: Vec::new(), root: None, elements: 0 };
    let is_latin_1 = matches!(whole, Cow::Owned(_));
    let place = |at| byte_of(&whole, is_latin_1, skipped + at);
    tree.grow().map_err(|error| XmlError { at: place(error.at), ..error })
}

/// Where in the bytes a place in their text is: of Latin-1, a byte is a character.
fn byte_of(text: &str, is_latin_1: bool, at: usize) -> usize {
    match is_latin_1 {
        true => text.char_indices().take_while(|(place, _)| *place < at).count(),
        false => at,
    }
}

/// Grows the tree, element by element; never calls itself.
struct Tree<'a> {
    limits: &'a XmlLimits,
    reader: Reader<&'a [u8]>,
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Tree<'_> {
    fn grow(mut self) -> Result<Element, XmlError> {
        loop {
            let event = match self.reader.read_event() {
                Ok(event) => event,
                Err(error) => return Err(self.malformed(&error)),
            };
            match event {
                Event::Start(tag) => self.enter(&tag)?,
                Event::Empty(tag) => {
                    self.enter(&tag)?;
                    self.leave();
                }
                Event::End(_) => self.leave(),
                Event::Text(text) => self.text(&text.xml10_content())?,
                Event::CData(text) => self.text(&text.xml10_content())?,
                Event::GeneralRef(reference) => self.reference(&reference)?,
                Event::DocType(_) => return Err(self.error(Flaw::Doctype)),
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
                Event::Eof => break,
            }
        }
        if !self.open.is_empty() {
            return Err(self.error(Flaw::Truncated));
        }
        let error = self.error(Flaw::Truncated);
        self.root.ok_or(error)
    }

    fn enter(&mut self, tag: &BytesStart<'_>) -> Result<(), XmlError> {
        self.elements += 1;
        self.within(self.elements, self.limits.max_elements, "elements")?;
        self.within(self.open.len() + 1, self.limits.max_depth, "elements within each other")?;
        if self.open.is_empty() && self.root.is_some() {
            return Err(self.error(Flaw::Unexpected("a second root element")));
        }
        let mut element = Element { name: tag.name().as_ref().to_owned(), ..Element::default() };
        // Counted before they are compared with each other.
        let attributes = tag.attributes_raw().bytes().filter(|byte| *byte == b'=').count();
        if attributes > self.limits.max_attributes {
            self.count_attributes(tag)?;
        }
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|error| self.malformed(&error))?;
            let value = quick_xml::escape::unescape(&attribute.value)
                .map_err(|error| self.malformed(&error))?;
            element.attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
        }
        self.open.push(element);
        Ok(())
    }

    fn count_attributes(&self, tag: &BytesStart<'_>) -> Result<(), XmlError> {
        let most = self.limits.max_attributes;
        let found = tag.attributes().with_checks(false).take(most + 1).count();
        self.within(found, most, "attributes of an element")
    }

    fn leave(&mut self) {
        let Some(element) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), XmlError> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(self.error(Flaw::Unexpected("text outside of the root element"))),
        }
        Ok(())
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), XmlError> {
        let resolved = match reference.resolve_char_ref() {
            Ok(Some(character)) => Some(Cow::Owned(character.to_string())),
            Ok(None) => {
                let name = reference.xml10_content();
                quick_xml::escape::resolve_predefined_entity(&name).map(Cow::Borrowed)
            }
            Err(error) => return Err(self.malformed(&error)),
        };
        match resolved {
            Some(text) => self.text(&text),
            None => Err(self.error(Flaw::Unexpected("a reference to an unknown entity"))),
        }
    }

    fn within(&self, found: usize, limit: usize, what: &'static str) -> Result<(), XmlError> {
        if found > limit { Err(self.error(Flaw::TooMuch { what, limit })) } else { Ok(()) }
    }

    fn malformed(&self, error: &dyn std::error::Error) -> XmlError {
        // quick-xml may quote the answer, which may quote us: the client sees to that.
        let mut said = error.to_string();
        if let Some((end, _)) = said.char_indices().nth(LONGEST_FLAW) {
            said.truncate(end);
        }
        self.error(Flaw::Malformed(said))
    }

    fn error(&self, flaw: Flaw) -> XmlError {
        XmlError::at(usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX), flaw)
    }
}
