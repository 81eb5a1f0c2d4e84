/// An element of the envelope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    /// All text directly inside, joined.
    pub(crate) text: String,
    pub(crate) children: Vec<Self>,
}

impl Element {
    /// The first child of that name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// What stands in the first child of that name, without white space around it.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// This element and all inside it, in the order of the document.
    pub(crate) fn all(&self) -> Vec<&Self> {
        let (mut found, mut left) = (Vec::new(), vec![self]);
        while let Some(element) = left.pop() {
            found.push(element);
            left.extend(element.children.iter().rev());
        }
        found
    }
}
