use std::ops::Range;

use crate::choices::Choices;
use crate::platform::Session;
use crate::protocol::{Element, Refusal, rc};
use crate::render::{Csv, Layout, Style};
use crate::table::View;

/// What `getdata` is asked for.
#[derive(Debug)]
pub(super) struct Asked {
    columns: Vec<String>,
    pub(super) rows: AskedRows,
    pub(super) style: Style,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AskedRows {
    All,
    /// As many after the last ones that were asked for like this.
    Next(usize),
    /// The first and the last, counted from 1.
    Between(usize, usize),
}

impl Asked {
    pub(super) fn read(
        input: &Element,
        session: &Session,
        choices: &Choices,
    ) -> Result<Self, Refusal> {
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

    pub(super) fn find_columns(
        &self,
        result: &View,
        choices: &Choices,
    ) -> Result<Vec<usize>, Refusal> {
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

    pub(super) const fn moves_cursor(self) -> bool {
        matches!(self, Self::Next(_))
    }

    /// As indices from 0; what is past the end is not there.
    pub(super) fn range(self, cursor: usize, rows: usize) -> Range<usize> {
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
