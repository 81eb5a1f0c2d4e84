//! The page, as far as it quotes what code has said.

use std::collections::BTreeMap;

const PAGE: &str = include_str!("../../src/three-in-the-morning.md");

/// A quotation is a `text` block under an HTML comment with its name.
const MARK: &str = "<!-- said: ";

/// The quotations, by name.
pub(crate) fn quotations() -> BTreeMap<&'static str, &'static str> {
    let mut found = BTreeMap::new();
    for part in PAGE.split(MARK).skip(1) {
        let (name, rest) = part.split_once(" -->\n").expect("a comment's end");
        let text = rest.strip_prefix("```text\n").expect("a text block below the comment");
        let (text, _) = text.split_once("\n```").expect("the block's end");
        assert!(found.insert(name, text).is_none(), "{name} is there twice");
    }
    found
}

/// What the table of verdicts has in its first column.
pub(crate) fn verdicts() -> Vec<&'static str> {
    let (_, table) = PAGE.split_once("| verdict |").expect("the table");
    let (table, _) = table.split_once("\n\n").expect("the table's end");
    table
        .lines()
        .filter_map(|row| row.strip_prefix("| `")?.split_once("` |"))
        .map(|(verdict, _)| verdict)
        .collect()
}

/// Checks that the page quotes what was said: word by word, but for lengths of time and
/// the numbers of tasks.
#[track_caller]
pub(crate) fn quotes(name: &str, said: &str) {
    let quotations = quotations();
    let quoted = quotations.get(name).unwrap_or_else(|| panic!("no {name} in the page: {said}"));
    assert_eq!(timeless(quoted), timeless(said), "{name}:\n{said}\n");
}

fn timeless(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(without_time).collect();
    words.join(" ").replace("task 17", "task #")
}

/// `queueing=4.2s;` as `queueing=#;`.
fn without_time(word: &str) -> String {
    let Some(start) = word.find(|letter: char| letter.is_ascii_digit()) else {
        return word.to_owned();
    };
    let (before, number) = word.split_at(start);
    let end = number.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let (_, unit) = number.split_at(end.unwrap_or(number.len()));
    for name in ["ns", "µs", "ms", "s"] {
        if let Some(after) = unit.strip_prefix(name) {
            return format!("{before}#{after}");
        }
    }
    word.to_owned()
}
