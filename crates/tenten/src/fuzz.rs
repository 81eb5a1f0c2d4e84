//! What the fuzz targets of this workspace, and a property test beside them, put through
//! the readers of bytes that others wrote. No part of the interface.
//!
//! Each takes any bytes and panics when a reader breaks its word.

mod oracle;

use crate::journal::Record;
use crate::query::{Cell, Column, Records};
use crate::xml::{self, Document, Element, Grid, Raw, Room, XmlError, XmlLimits};

/// Small, so that they are met.
fn limits() -> XmlLimits {
    let limits = XmlLimits::default().max_bytes(1 << 20).max_text(1 << 14);
    limits.max_depth(16).max_elements(500).max_attributes(8).max_columns(32)
}

const DEPTH: usize = 16;
const ELEMENTS: usize = 500;

/// Any answer is a tree within its limits or an error with its place, and what is left
/// of one that was cut off is never a shorter table.
///
/// # Panics
///
/// They are not.
pub fn answer(bytes: &[u8]) {
    let document = match read(bytes) {
        Ok(document) => document,
        Err(error) => return assert!(error.at <= bytes.len(), "{error} of {}", bytes.len()),
    };
    assert!(document.root.all().len() <= ELEMENTS);
    assert!(depth(&document.root) <= DEPTH);
    let whole = document.grid.as_ref().map(shape);
    if let Some(grid) = &document.grid {
        look_at_all(grid);
    }
    if let Ok(rest) = read(&bytes[..bytes.len() / 2]) {
        assert_eq!(rest.grid.as_ref().map(shape), whole, "half an answer is another table");
        assert_eq!(rest.csv, document.csv);
    }
    count(&document.csv.unwrap_or_default());
    count(bytes);
}

/// Whatever stands between `<data>` and `</data>`, cells are where quick-xml finds them
/// too, or there is an error.
///
/// # Panics
///
/// They are not.
pub fn rows(bytes: &[u8]) {
    let (before, after) = (b"<out><table><data>".as_slice(), b"</data></table></out>".as_slice());
    let body = [before, bytes, after].concat();
    let Ok(Document { grid: Some(grid), .. }) = read(&body) else { return };
    look_at_all(&grid);
    let Some(expected) = std::str::from_utf8(&body).ok().and_then(oracle::cells) else { return };
    let found: Option<Vec<Vec<String>>> = (0..grid.rows()).map(|row| texts(&grid, row)).collect();
    if let Some(found) = found {
        assert_eq!(found, expected);
    }
}

/// A lease journal is refused, or written again as it was read; also when its checksum
/// is right.
///
/// # Panics
///
/// It is neither.
pub fn journal(bytes: &[u8]) {
    let _ = Record::from_bytes(bytes);
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let signed = [line, format!("\n{:08x}\n", crc32fast::hash(line)).as_bytes()].concat();
    if let Ok(record) = Record::from_bytes(&signed) {
        let written = record.to_bytes().expect("what was read can be written");
        assert_eq!(Record::from_bytes(&written).expect("and read"), record);
    }
}

fn read(bytes: &[u8]) -> Result<Document, XmlError> {
    xml::read(bytes.to_vec(), &limits(), Room::for_cells(100, bytes.len()))
}

fn shape(grid: &Grid) -> (usize, usize) {
    (grid.rows(), grid.columns())
}

fn depth(root: &Element) -> usize {
    let mut level = vec![root];
    let mut depth = 0;
    while !level.is_empty() {
        depth += 1;
        level = level.iter().flat_map(|element| &element.children).collect();
    }
    depth
}

/// Every byte of a CSV text is some record's.
fn count(text: &[u8]) {
    let (mut records, mut fields) = (Records::of(text, b','), 0);
    for more in records.by_ref() {
        fields += more;
    }
    assert_eq!(records.place(), text.len());
    assert!(fields <= text.len() + 1);
}

/// Every cell of every row is there, and is a value or an error of every type.
fn look_at_all(grid: &Grid) {
    let kinds = ["i", "j", "f", "a", "?"].map(|kind| Column::new("c", "c", kind, "type:date"));
    for row in 0..grid.rows() {
        for column in 0..grid.columns() {
            let raw = grid.raw(row, column).expect("every cell of every row is there");
            for kind in &kinds {
                for raw in [raw, Raw::Other(raw.bytes())] {
                    let cell = Cell::new(raw, kind, 0);
                    let _ = (cell.value(), cell.time(), cell.is_na(), cell.bytes());
                }
                // What is plain is what it would be if it were looked at.
                let looked_at = Cell::new(Raw::Other(raw.bytes()), kind, 0);
                assert_eq!(Cell::new(raw, kind, 0).text().ok(), looked_at.text().ok());
            }
        }
    }
}

/// A row's texts; `None` where one has no text.
fn texts(grid: &Grid, row: usize) -> Option<Vec<String>> {
    let cells = (0..grid.columns()).map(|column| grid.raw(row, column));
    cells.map(|raw| xml::text(raw?.bytes()).ok().map(|text| text.into_owned())).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use proptest::prelude::*;

    /// The corpus of a fuzz target.
    fn seeds(target: &str) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
        let mut files: Vec<_> = fs::read_dir(folder)
            .expect("the seeds are there")
            .map(|entry| entry.expect("readable").path())
            .collect();
        files.sort();
        assert!(!files.is_empty());
        files.iter().map(|path| fs::read(path).expect("readable")).collect()
    }

    /// What a fuzzer does to a seed.
    #[derive(Clone, Debug)]
    enum Change {
        Put(prop::sample::Index, u8),
        Insert(prop::sample::Index, Vec<u8>),
        Remove(prop::sample::Index, usize),
        Repeat(prop::sample::Index, usize, usize),
        Cut(prop::sample::Index),
    }

    const WORDS: [&str; 12] = [
        "<tr>",
        "</tr>",
        "<td>",
        "</td>",
        "<td/>",
        "<data>",
        "</data>",
        "<![CDATA[",
        "]]>",
        "&lt;",
        "<!--",
        "-->",
    ];

    fn change() -> impl Strategy<Value = Change> {
        let at = || any::<prop::sample::Index>();
        let bytes = prop_oneof![
            prop::collection::vec(any::<u8>(), 1..4),
            prop::sample::select(&WORDS[..]).prop_map(|word| word.as_bytes().to_vec()),
        ];
        prop_oneof![
            (at(), any::<u8>()).prop_map(|(at, byte)| Change::Put(at, byte)),
            (at(), bytes).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
            (at(), 1..20_usize).prop_map(|(at, length)| Change::Remove(at, length)),
            (at(), 1..40_usize, 1..30_usize)
                .prop_map(|(at, length, times)| Change::Repeat(at, length, times)),
            at().prop_map(Change::Cut),
        ]
    }

    fn changed(mut bytes: Vec<u8>, changes: Vec<Change>) -> Vec<u8> {
        for change in changes {
            let length = bytes.len();
            let place = |at: prop::sample::Index| at.index(length + 1);
            match change {
                Change::Put(at, byte) if length > 0 => bytes[at.index(length)] = byte,
                Change::Put(_, byte) => bytes.push(byte),
                Change::Insert(at, new) => drop(bytes.splice(place(at)..place(at), new)),
                Change::Remove(at, some) => {
                    drop(bytes.drain(place(at)..length.min(place(at) + some)));
                }
                Change::Repeat(at, some, times) => {
                    let part = bytes[place(at)..length.min(place(at) + some)].repeat(times);
                    drop(bytes.splice(place(at)..place(at), part));
                }
                Change::Cut(at) => bytes.truncate(place(at)),
            }
        }
        bytes
    }

    #[test]
    fn no_seed_breaks_a_reader() {
        seeds("answer").iter().for_each(|seed| super::answer(seed));
        seeds("rows").iter().for_each(|seed| super::rows(seed));
        seeds("journal").iter().for_each(|seed| super::journal(seed));
    }

    proptest! {
        #[test]
        fn no_change_of_a_seed_breaks_a_reader(
            which in any::<prop::sample::Index>(),
            changes in prop::collection::vec(change(), 1..6),
        ) {
            let mutant = |target: &str| changed(which.get(&seeds(target)).clone(), changes.clone());
            super::answer(&mutant("answer"));
            super::rows(&mutant("rows"));
            super::journal(&mutant("journal"));
        }
    }
}
