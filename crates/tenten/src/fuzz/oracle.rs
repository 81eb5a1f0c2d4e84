//! The slow way to read a table's rows: event by event.

use quick_xml::Reader;
use quick_xml::events::Event;

const CELL: [&str; 5] = ["out", "table", "data", "tr", "td"];

/// The texts of all cells; `None` where quick-xml does not read it, or it is no table.
pub(super) fn cells(body: &str) -> Option<Vec<Vec<String>>> {
    let mut reader = Reader::from_str(body);
    let mut open: Vec<String> = Vec::new();
    let mut rows: Vec<Vec<String>> = Vec::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => {
                open.push(tag.name().as_ref().to_owned());
                begin(&open, &mut rows)?;
            }
            Event::Empty(tag) => {
                open.push(tag.name().as_ref().to_owned());
                begin(&open, &mut rows)?;
                open.pop();
            }
            Event::End(_) => drop(open.pop()),
            Event::Text(text) => say(&open, &mut rows, &text)?,
            Event::CData(text) => say(&open, &mut rows, &text)?,
            Event::GeneralRef(name) => match name.resolve_char_ref().ok()? {
                Some(character) => say(&open, &mut rows, &character.to_string())?,
                None => {
                    let text = quick_xml::escape::resolve_predefined_entity(&name)?;
                    say(&open, &mut rows, text)?;
                }
            },
            Event::Eof => return Some(rows),
            _ => return None,
        }
    }
}

fn begin(open: &[String], rows: &mut Vec<Vec<String>>) -> Option<()> {
    if open.len() > CELL.len() || open.iter().zip(CELL).any(|(open, name)| open != name) {
        return None;
    }
    match open.len() {
        4 => rows.push(Vec::new()),
        5 => rows.last_mut()?.push(String::new()),
        _ => {}
    }
    Some(())
}

fn say(open: &[String], rows: &mut [Vec<String>], text: &str) -> Option<()> {
    if open.len() == CELL.len() {
        rows.last_mut()?.last_mut()?.push_str(text);
        return Some(());
    }
    text.trim().is_empty().then_some(())
}
