//! Reading a request's XML: into a small tree, within limits.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::Version;
use super::rc::{self, Refusal};

const MAX_DEPTH: usize = 64;
const MAX_ELEMENTS: usize = 100_000;
/// A cell is five bytes long at least, so these are all that fit an upload.
const MAX_UPLOADED: usize = 1_100_000;
const MAX_ATTRIBUTES: usize = 64;

/// An element of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Self>,
    text: String,
}

impl Element {
    /// Reads a body. An empty one is a request without elements: what is missing is
    /// for the transaction to say.
    pub(crate) fn read(body: &[u8], version: Version) -> Result<Self, Refusal> {
        Self::read_up_to(MAX_ELEMENTS, body, version)
    }

    /// Reads a body that holds a table.
    pub(crate) fn read_upload(body: &[u8], version: Version) -> Result<Self, Refusal> {
        Self::read_up_to(MAX_UPLOADED, body, version)
    }

    fn read_up_to(elements: usize, body: &[u8], version: Version) -> Result<Self, Refusal> {
        let text = str::from_utf8(body)
            .map_err(|error| broken(format!("not UTF-8 after {} bytes", error.valid_up_to())))?;
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Ok(Self::default());
        }
        let mut top = Builder::for_elements(elements).build(text)?;
        match version {
            Version::Two => Ok(top),
            Version::Three => match (top.children.pop(), top.children.is_empty()) {
                (Some(root), true) if root.name == "in" => Ok(root),
                _ => Err(broken("the root element is not <in>")),
            },
        }
    }

    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(crate) fn required(&self, name: &str) -> Result<&Self, Refusal> {
        self.child(name).ok_or_else(|| Refusal::no_element(name))
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Text directly inside the element, without white space around it.
    pub(crate) fn text(&self) -> &str {
        self.text.trim()
    }

    /// Text directly inside the element, as it stands.
    pub(crate) fn raw_text(&self) -> &str {
        &self.text
    }
}

/// Open elements, the outermost first; the first stands for the document.
#[derive(Debug)]
struct Builder {
    open: Vec<Element>,
    /// How many more there may be.
    room: usize,
    most: usize,
}

impl Builder {
    fn for_elements(most: usize) -> Self {
        Self { open: vec![Element::default()], room: most, most }
    }

    fn build(mut self, text: &str) -> Result<Element, Refusal> {
        let mut reader = Reader::from_str(text);
        loop {
            let event = reader.read_event().map_err(|error| broken(error.to_string()))?;
            match event {
                Event::Start(start) => self.start(&start)?,
                Event::Empty(start) => {
                    self.start(&start)?;
                    self.end();
                }
                Event::End(_) => self.end(),
                Event::Text(text) => self.text(&text.xml10_content())?,
                Event::CData(text) => self.text(&text.xml10_content())?,
                Event::GeneralRef(name) => {
                    let value = match name.resolve_char_ref() {
                        Ok(Some(letter)) => Cow::Owned(letter.to_string()),
                        Ok(None) => Cow::Borrowed(predefined(&name.xml10_content())?),
                        Err(error) => return Err(broken(error.to_string())),
                    };
                    self.text(&value)?;
                }
                Event::DocType(_) => return Err(broken("a DOCTYPE is not accepted")),
                Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
                Event::Eof => break,
            }
        }
        if self.open.len() > 1 {
            return Err(broken("the document ends inside an element"));
        }
        Ok(self.open.pop().unwrap_or_default())
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), Refusal> {
        let Some(room) = self.room.checked_sub(1) else {
            return Err(broken(format!("more than {} elements", self.most)));
        };
        self.room = room;
        if self.open.len() > MAX_DEPTH {
            return Err(broken(format!("elements nested deeper than {MAX_DEPTH}")));
        }
        let mut attributes = Vec::new();
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| broken(error.to_string()))?;
            if attributes.len() == MAX_ATTRIBUTES {
                return Err(broken(format!("more than {MAX_ATTRIBUTES} attributes")));
            }
            let value = attribute
                .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                .map_err(|error| broken(error.to_string()))?;
            attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
        }
        let name = start.name().as_ref().to_owned();
        self.open.push(Element { name, attributes, ..Element::default() });
        Ok(())
    }

    fn end(&mut self) {
        // The reader has matched the names: an end comes after its start.
        if let (Some(ended), Some(parent)) = (self.open.pop(), self.open.last_mut()) {
            parent.children.push(ended);
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Refusal> {
        if self.open.len() == 1 && !text.trim().is_empty() {
            return Err(broken("text outside of an element"));
        }
        if let Some(open) = self.open.last_mut() {
            open.text.push_str(text);
        }
        Ok(())
    }
}

fn predefined(name: &str) -> Result<&'static str, Refusal> {
    match name {
        "lt" => Ok("<"),
        "gt" => Ok(">"),
        "amp" => Ok("&"),
        "quot" => Ok("\""),
        "apos" => Ok("'"),
        _ => Err(broken("an entity that is not predefined")),
    }
}

fn broken(what: impl AsRef<str>) -> Refusal {
    let what: String = what.as_ref().chars().take(200).collect();
    Refusal::new(rc::XML_ERROR, format!("XML error: {what}"))
}
