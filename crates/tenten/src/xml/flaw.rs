use std::ops::Range;

/// Why an answer is not taken, and where it stopped making sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{flaw}, at byte {at}{}", row.map(|row| format!(" in row {row}")).unwrap_or_default())]
#[non_exhaustive]
pub struct XmlError {
    /// The offset in the body, from 0.
    pub at: usize,
    /// The row of this answer, from 0, when it is one of the table's.
    pub row: Option<usize>,
    /// What is wrong.
    pub flaw: Flaw,
}

/// What is wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// It ends in the middle.
    #[error("answer ends early")]
    Truncated,
    /// It is longer than allowed.
    #[error("answer is longer than {limit} bytes")]
    #[non_exhaustive]
    TooLong {
        /// [`XmlLimits::max_bytes`](super::XmlLimits::max_bytes).
        limit: usize,
    },
    /// A row has not as many cells as the first one.
    #[error("row has {found} cells where {expected} belong")]
    #[non_exhaustive]
    Ragged {
        /// Cells of the first row.
        expected: usize,
        /// Cells of this row; one more than expected stands for any number.
        found: usize,
    },
    /// It declares a document type: whoever does that means to define entities.
    #[error("answer has a DOCTYPE, which is refused")]
    Doctype,
    /// A limit on a part of it was passed.
    #[error("more than {limit} {what}")]
    #[non_exhaustive]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
    },
    /// It is not what the protocol says at this place.
    #[error("{0}")]
    Unexpected(&'static str),
    /// It is no well-formed XML.
    #[error("answer is not well-formed: {0}")]
    Malformed(String),
}

impl XmlError {
    pub(super) const fn at(at: usize, flaw: Flaw) -> Self {
        Self { at, row: None, flaw }
    }

    /// The place in the body of an error found with something cut out
    /// and so many bytes left in their place.
    pub(super) fn shifted(mut self, cut: &Range<usize>, left: usize) -> Self {
        if self.at > cut.start {
            self.at = self.at - left.min(self.at - cut.start) + cut.len();
        }
        self
    }
}
