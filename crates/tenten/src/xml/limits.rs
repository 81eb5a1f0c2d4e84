/// What an answer may cost before it is refused.
///
/// The defaults are far above anything the gateway is known to send and far below
/// what hurts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XmlLimits {
    pub(crate) max_bytes: usize,
    pub(crate) max_depth: usize,
    pub(crate) max_elements: usize,
    pub(crate) max_attributes: usize,
    pub(crate) max_text: usize,
    pub(crate) max_columns: usize,
}

impl XmlLimits {
    /// Caps a whole answer, in bytes. At most 1 GiB. Default: 256 MiB.
    ///
    /// It holds while the body arrives: what comes beyond it is not read.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = if bytes > MOST_BYTES { MOST_BYTES } else { bytes };
        self
    }

    /// Caps elements within elements. At most 1000. Default: 64.
    #[must_use]
    pub const fn max_depth(mut self, elements: usize) -> Self {
        self.max_depth = if elements > MOST_DEPTH { MOST_DEPTH } else { elements };
        self
    }

    /// Caps elements other than cells. Default: 100,000.
    #[must_use]
    pub const fn max_elements(mut self, elements: usize) -> Self {
        self.max_elements = elements;
        self
    }

    /// Caps attributes of one element. Default: 256.
    #[must_use]
    pub const fn max_attributes(mut self, attributes: usize) -> Self {
        self.max_attributes = attributes;
        self
    }

    /// Caps one cell, one tag, and all other text together, in bytes; not what comes as
    /// CSV, which [`max_bytes`](Self::max_bytes) caps. Default: 16 MiB.
    #[must_use]
    pub const fn max_text(mut self, bytes: usize) -> Self {
        self.max_text = bytes;
        self
    }

    /// Caps the cells of one row. Default: 4096.
    #[must_use]
    pub const fn max_columns(mut self, columns: usize) -> Self {
        self.max_columns = columns;
        self
    }
}

/// A cell's place is kept in 32 bits.
const MOST_BYTES: usize = 1 << 30;

/// A tree is dropped by recursion.
const MOST_DEPTH: usize = 1000;

impl Default for XmlLimits {
    fn default() -> Self {
        Self {
            max_bytes: 256 << 20,
            max_depth: 64,
            max_elements: 100_000,
            max_attributes: 256,
            max_text: 16 << 20,
            max_columns: 4096,
        }
    }
}
