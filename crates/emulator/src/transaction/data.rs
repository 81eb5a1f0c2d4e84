//! `getdata` and `querydata`: windows of the current query.

use std::ops::Range;
use std::sync::Arc;

use super::Reply;
use super::query;
use crate::choices::{Choices, CsvHeader};
use crate::platform::Session;
use crate::protocol::{Element, Output, Refusal, Version, rc};
use crate::render::{self, Csv, Layout, Selection, Style, Window};
use crate::table::View;

/// What `getdata` is asked for.
#[derive(Debug)]
struct Asked {
    columns: Vec<String>,
    rows: AskedRows,
    style: Style,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AskedRows {
    All,
    /// As many after the last ones that were asked for like this.
    Next(usize),
    /// The first and the last, counted from 1.
    Between(usize, usize),
}

pub(super) async fn getdata(
    session: &Session,
    input: &Element,
    version: Version,
    choices: &Choices,
) -> Result<Reply, Refusal> {
    let asked = Asked::read(input, session, choices)?;
    let current = session.workspace().current()?;
    let result = match current.result {
        Some(result) => result,
        None => query::run(&current.operations, &current.table).await?,
    };
    let mut output = Output::new(version, rc::OK);
    output.element("msg", "OK");
    let rows = deliver(session, asked, &result, choices)?;
    Ok(Reply::window(frame(output, rows, choices)))
}

pub(super) async fn querydata(
    session: &Session,
    input: &Element,
    version: Version,
    choices: &Choices,
) -> Result<Reply, Refusal> {
    let asked = Asked::read(input, session, choices)?;
    let result = query::define(session, input).await?;
    let mut output = Output::new(version, rc::OK);
    output.element("msg", "OK");
    output.element("nrows", &result.len().to_string());
    let rows = deliver(session, asked, &result, choices)?;
    if matches!(rows.style.layout, Layout::Csv(_)) {
        output.raw("<table>");
        render::cols(output.bytes(), rows.columns());
        output.raw("</table>");
    }
    Ok(Reply::window(frame(output, rows, choices)))
}

/// The rows asked for, if that is not too much.
fn deliver(
    session: &Session,
    asked: Asked,
    result: &Arc<View>,
    choices: &Choices,
) -> Result<Selection, Refusal> {
    let columns = asked.find_columns(result, choices)?;
    let mut workspace = session.workspace();
    let Some(current) = &mut workspace.query else {
        return Err(Refusal::fixed(rc::NO_QUERY, "No query specified"));
    };
    current.result = Some(Arc::clone(result));
    let range = asked.rows.range(current.cursor, result.len());
    if range.len().saturating_mul(columns.len()) > choices.max_cells {
        return Err(Refusal::new(
            rc::TOO_MANY_VALUES,
            format!("Too many values: at most {} are delivered at once", choices.max_cells),
        ));
    }
    if matches!(asked.rows, AskedRows::Next(_)) {
        current.cursor = range.end;
    }
    Ok(Selection { view: Arc::clone(result), columns, range, style: asked.style })
}

/// Puts what comes before the rows and after them around them.
fn frame(mut output: Output, rows: Selection, choices: &Choices) -> Window {
    let end = match &rows.style.layout {
        Layout::Xml => {
            output.raw("<table>");
            render::cols(output.bytes(), rows.columns());
            output.raw("<data>");
            "</data></table>"
        }
        Layout::Csv(csv) => {
            output.raw("<csv><![CDATA[");
            csv.header(
                output.bytes(),
                rows.columns().map(|column| match choices.csv_header {
                    CsvHeader::Names => column.name.as_str(),
                    CsvHeader::Labels => column.heading.as_str(),
                }),
            );
            "]]></csv>"
        }
    };
    let (before, envelope) = output.split();
    Window { before, after: format!("{end}{envelope}"), rows }
}

impl Asked {
    fn read(input: &Element, session: &Session, choices: &Choices) -> Result<Self, Refusal> {
        let columns = input.required("cols")?.children.iter().filter(|child| child.name == "col");
        let columns: Vec<String> = columns.map(|column| column.text().to_owned()).collect();
        if columns.is_empty() {
            return Err(Refusal::no_element("col"));
        }
        let infinity_is_na = session.workspace().infinity_is_na;
        Ok(Self {
            columns,
            rows: AskedRows::read(input.child("rows"))?,
            style: style(input.child("format"), infinity_is_na, choices)?,
        })
    }

    fn find_columns(&self, result: &View, choices: &Choices) -> Result<Vec<usize>, Refusal> {
        let mut found = Vec::with_capacity(self.columns.len().min(result.columns.len()));
        for name in &self.columns {
            let shown = || name.chars().take(200).collect::<String>();
            let index = result.column(name).ok_or_else(|| {
                let msg = format!("Requested columns not found: {}", shown());
                Refusal::new(choices.no_such_column, msg)
            })?;
            if found.contains(&index) {
                let msg = format!("Duplicate column name: {}", shown());
                return Err(Refusal::new(rc::DUPLICATE_COLUMNS, msg));
            }
            found.push(index);
        }
        Ok(found)
    }
}

impl AskedRows {
    fn read(rows: Option<&Element>) -> Result<Self, Refusal> {
        let Some(rows) = rows else { return Ok(Self::All) };
        match rows.attribute("mode") {
            Some("1") => Ok(Self::Next(number(rows, "next")?)),
            Some("2") => {
                let (from, to) = (number(rows, "from")?, number(rows, "to")?);
                if from == 0 || to < from {
                    return Err(Refusal::fixed(
                        rc::INVALID_CONTENTS,
                        "Invalid rows: they count from 1, and to is not before from",
                    ));
                }
                Ok(Self::Between(from, to))
            }
            Some(_) => Err(Refusal::fixed(rc::INVALID_VALUE, "Invalid mode of rows: 1 or 2")),
            None => Err(Refusal::fixed(rc::NO_ATTRIBUTE, "Missing attribute mode of rows")),
        }
    }

    /// As indices from 0; what is past the end is not there.
    fn range(self, cursor: usize, rows: usize) -> Range<usize> {
        match self {
            Self::All => 0..rows,
            Self::Next(count) => cursor..cursor.saturating_add(count).min(rows),
            Self::Between(from, to) => (from - 1).min(rows)..to.min(rows),
        }
    }
}

fn number(rows: &Element, name: &str) -> Result<usize, Refusal> {
    rows.required(name)?.text().parse().map_err(|_| {
        Refusal::new(rc::INVALID_CONTENTS, format!("Invalid contents of {name}: not a number"))
    })
}

fn style(
    format: Option<&Element>,
    infinity_is_na: bool,
    choices: &Choices,
) -> Result<Style, Refusal> {
    let attribute = |name| format.and_then(|format| format.attribute(name));
    let child = |name| format.and_then(|format| format.child(name)).map(Element::raw_text);
    let separator =
        |name, usual: &str| child(name).filter(|text| !text.is_empty()).unwrap_or(usual).to_owned();
    let layout = match attribute("type") {
        None | Some("xml") => Layout::Xml,
        Some("csv") => Layout::Csv(Csv {
            sep: separator("sep", ","),
            linesep: separator("linesep", "\n"),
            quotes: choices.csv_quotes,
        }),
        Some(_) => {
            return Err(Refusal::fixed(rc::INVALID_VALUE, "Invalid type of format: xml or csv"));
        }
    };
    let formatted = match attribute("values") {
        None | Some("raw") => false,
        Some("formatted") => true,
        Some(_) => {
            return Err(Refusal::fixed(
                rc::INVALID_VALUE,
                "Invalid values of format: raw or formatted",
            ));
        }
    };
    Ok(Style { layout, formatted, infinity_is_na })
}
