use std::cmp::Ordering;
use std::sync::Arc;

use super::bound::{Bound, order};
use super::error::refuse;
use super::expression::{self, Condition};
use crate::protocol::{Element, Refusal, rc};
use crate::table::{Rows, Table, View};

const MAX_OPERATIONS: usize = 100;
const MAX_COLUMNS: usize = 10_000;

/// A step of a query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operation {
    /// Keeps the rows a condition holds for.
    Sel(Condition),
    /// Keeps these columns, in this order.
    Colord(Vec<String>),
    /// Orders the rows by a column; equal ones stay as they are.
    Sort { column: String, down: bool },
}

impl Operation {
    /// Reads `<ops>`.
    pub(crate) fn read_all(ops: &Element) -> Result<Vec<Self>, Refusal> {
        if !ops.text().is_empty() {
            return Err(refuse("text among the operations"));
        }
        if ops.children.len() > MAX_OPERATIONS {
            return Err(refuse(format!("more than {MAX_OPERATIONS} operations")));
        }
        ops.children.iter().map(Self::read).collect()
    }

    fn read(element: &Element) -> Result<Self, Refusal> {
        match element.name.as_str() {
            "sel" => Ok(Self::Sel(expression::read(attribute(element, "value")?)?)),
            "colord" => Ok(Self::Colord(names(attribute(element, "cols")?)?)),
            "sort" => {
                let column = attribute(element, "col")?.trim().to_owned();
                match element.attribute("dir") {
                    None | Some("up") => Ok(Self::Sort { column, down: false }),
                    Some("down") => Ok(Self::Sort { column, down: true }),
                    Some(_) => Err(Refusal::fixed(rc::INVALID_VALUE, "dir is not up or down")),
                }
            }
            name => Err(refuse(format!("the Macro Language operation <{name}>"))),
        }
    }

    /// Runs operations one after another over a table.
    pub(crate) fn run_all(operations: &[Self], table: &Arc<Table>) -> Result<View, Refusal> {
        let mut view = View::whole(Arc::clone(table));
        for operation in operations {
            match operation {
                Self::Sel(condition) => view.rows = select(&view, condition)?,
                Self::Colord(names) => view.columns = columns(&view, names)?,
                Self::Sort { column, down } => view.rows = sort(&view, column, *down)?,
            }
        }
        Ok(view)
    }
}

fn names(list: &str) -> Result<Vec<String>, Refusal> {
    if list.split(',').count() > MAX_COLUMNS {
        return Err(refuse(format!("more than {MAX_COLUMNS} columns")));
    }
    Ok(list.split(',').map(|name| name.trim().to_owned()).collect())
}

fn attribute<'a>(element: &'a Element, name: &str) -> Result<&'a str, Refusal> {
    element.attribute(name).ok_or_else(|| {
        Refusal::new(rc::NO_ATTRIBUTE, format!("Missing attribute {name} of {}", element.name))
    })
}

fn select(view: &View, condition: &Condition) -> Result<Rows, Refusal> {
    let bound = Bound::bind(condition, view)?;
    let mut picked = Vec::new();
    for number in 0..view.len() {
        let row = view.row(number);
        if bound.is_true(row, number + 1) {
            picked.push(row as u32); // a table has no more rows
        }
    }
    Ok(Rows::Picked(picked.into()))
}

fn columns(view: &View, names: &[String]) -> Result<Vec<usize>, Refusal> {
    let mut columns = Vec::with_capacity(names.len());
    for name in names {
        let index = column(view, name)?;
        if columns.contains(&index) {
            return Err(Refusal::new(
                rc::DUPLICATE_COLUMNS,
                format!("Duplicate column name: {name}"),
            ));
        }
        columns.push(index);
    }
    Ok(columns)
}

fn sort(view: &View, name: &str, down: bool) -> Result<Rows, Refusal> {
    let column = &view.table.columns[column(view, name)?];
    let mut rows: Vec<u32> = (0..view.len()).map(|number| view.row(number) as u32).collect();
    let compare = |left: &u32, right: &u32| -> Ordering {
        order(column.cell(*left as usize), column.cell(*right as usize))
    };
    if down {
        rows.sort_by(|left, right| compare(right, left));
    } else {
        rows.sort_by(compare);
    }
    Ok(Rows::Picked(rows.into()))
}

fn column(view: &View, name: &str) -> Result<usize, Refusal> {
    view.column(name).ok_or_else(|| refuse(format!("the unknown column {name}")))
}
