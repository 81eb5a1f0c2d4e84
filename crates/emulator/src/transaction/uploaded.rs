//! A table as a request brings it: a table tree with its data.

use crate::protocol::{Element, Refusal, rc};
use crate::table::{Column, Descriptions, Strings, Table, TableError, Values};

pub(super) fn table(tree: &Element, path: &str) -> Result<Table, Refusal> {
    let heads = tree.required("cols")?.children.iter().filter(|child| child.name == "th");
    let mut columns = heads.map(column).collect::<Result<Vec<_>, _>>()?;
    if columns.is_empty() {
        return Err(Refusal::no_element("th"));
    }
    let rows = tree.required("data")?.children.iter().filter(|child| child.name == "tr");
    for (number, row) in rows.enumerate() {
        fill(&mut columns, row, number + 1)?;
    }
    let table = Table::new(path, columns).map_err(|error| refused(&error))?;
    let text = |name| tree.child(name).map(Element::text).unwrap_or_default();
    let descriptions =
        Descriptions { short: text("sdesc").to_owned(), long: text("ldesc").to_owned() };
    let title = if text("title").is_empty() { path } else { text("title") };
    Ok(Table { title: title.to_owned(), descriptions, ..table })
}

fn column(head: &Element) -> Result<Column, Refusal> {
    let attribute = |name: &str| {
        let missing = || Refusal::new(rc::NO_ATTRIBUTE, format!("Missing attribute {name} of th"));
        head.attribute(name).ok_or_else(missing)
    };
    let (name, kind) = (attribute("name")?, attribute("type")?);
    let plain = match kind {
        "i" => Column::integer(name, []),
        "j" => Column::big(name, []),
        "f" => Column::decimal(name, []),
        "a" => Column::text::<&[u8]>(name, []),
        _ => return Err(Refusal::fixed(rc::INVALID_VALUE, "Invalid type of th: i, j, f or a")),
    };
    let heading = if head.text().is_empty() { name } else { head.text() };
    let plain = plain.heading(heading).description(head.attribute("desc").unwrap_or_default());
    Ok(match head.attribute("format") {
        Some(format) => plain.format(format),
        None => plain,
    })
}

fn fill(columns: &mut [Column], row: &Element, number: usize) -> Result<(), Refusal> {
    let contents = |what: String| Refusal::new(rc::INVALID_CONTENTS, what);
    let cells = || row.children.iter().filter(|child| child.name == "td");
    if cells().count() != columns.len() {
        let (found, expected) = (cells().count(), columns.len());
        return Err(contents(format!("Row {number} has {found} values for {expected} columns")));
    }
    for (column, cell) in columns.iter_mut().zip(cells()) {
        if push(&mut column.values, cell.raw_text()).is_none() {
            let what = format!("Row {number}: no value of type {}: {}", column.kind(), column.name);
            return Err(contents(what));
        }
    }
    Ok(())
}

/// Takes a value, or N/A for nothing.
fn push(values: &mut Values, text: &str) -> Option<()> {
    let number = text.trim();
    match values {
        Values::Text(values) => Strings::push(values, text.as_bytes()),
        Values::Integer(values) if number.is_empty() => values.push(i32::MIN),
        Values::Big(values) if number.is_empty() => values.push(i64::MIN),
        Values::Decimal(values) if number.is_empty() => values.push(f64::NAN),
        Values::Integer(values) => values.push(number.parse().ok()?),
        Values::Big(values) => values.push(number.parse().ok()?),
        Values::Decimal(values) => values.push(decimal(number)?),
    }
    Some(())
}

fn decimal(text: &str) -> Option<f64> {
    match text {
        "0i" => Some(f64::INFINITY),
        "-0i" => Some(f64::NEG_INFINITY),
        text => text.parse().ok(),
    }
}

fn refused(error: &TableError) -> Refusal {
    let code = match error {
        TableError::Path(_) => rc::INVALID_TABLE_NAME,
        TableError::DuplicateColumn(_) => rc::DUPLICATE_COLUMNS,
        TableError::ColumnName(_) => rc::INVALID_VALUE,
        _ => rc::NOT_SAVED,
    };
    Refusal::new(code, error.to_string().chars().take(200).collect::<String>())
}
