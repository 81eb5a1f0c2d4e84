use bytes::Bytes;
use quick_xml::escape::escape;

use super::{Ticket, required};
use crate::client::{Client, Likely};
use crate::query::{BaseQuery, Column};
use crate::xml::{Document, Element, Grid};
use crate::{Error, Result, choices};

/// What a query is known to give, before any of it is fetched.
#[derive(Debug)]
pub(crate) struct Defined {
    pub(crate) rows: u64,
    pub(crate) columns: Vec<Column>,
}

/// Runs a query; fetches nothing yet.
pub(crate) async fn define(client: &Client, ticket: &Ticket, base: &BaseQuery) -> Result<Defined> {
    let body = format!("<in>{}</in>", definition(base));
    let answer = client.call(&ticket.call("query").work(body)).await?;
    let rows = rows("query", &answer)?;
    Ok(Defined { rows, columns: columns("query", &answer)? })
}

/// Which rows of which columns to fetch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) base: &'a BaseQuery,
    pub(crate) names: &'a [&'a str],
    /// From 0.
    pub(crate) from: u64,
    /// Not included.
    pub(crate) to: u64,
    /// `<format>`.
    pub(crate) format: &'a str,
    pub(crate) likely: Likely,
}

/// One answer's rows.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// How many rows the result has.
    pub(crate) rows: u64,
    answer: Document,
}

/// Runs a query and fetches some rows of some columns of its result, in one request: the
/// gateway itself knows only the last query that the session was given, by whomever.
pub(crate) async fn fetch(
    client: &Client,
    ticket: &Ticket,
    request: &Request<'_>,
) -> Result<Fetched> {
    let Request { base, names, from, to, format, likely } = request;
    let definition = definition(base);
    let cols: String = names.iter().map(|name| format!("<col>{}</col>", escape(*name))).collect();
    let window = choices::rows(from + 1, *to);
    let body = format!("<in>{definition}<cols>{cols}</cols>{window}{format}</in>");
    let answer = client.call(&ticket.call(FETCH).work(body).likely(*likely)).await?;
    Ok(Fetched { rows: rows(FETCH, &answer)?, answer })
}

const FETCH: &str = "querydata";

impl Fetched {
    pub(crate) fn columns(&self) -> Result<Vec<Column>> {
        columns(FETCH, &self.answer)
    }

    /// How long the rows were.
    pub(crate) fn bytes(&self) -> usize {
        let Document { grid, csv, .. } = &self.answer;
        grid.as_ref().map_or(0, Grid::bytes) + csv.as_ref().map_or(0, Bytes::len)
    }

    /// The rows as cells.
    pub(crate) fn grid(self) -> Result<Grid> {
        self.answer.grid.ok_or(Error::Missing { api: FETCH, element: "data" })
    }

    /// The rows as CSV, behind a line of headings.
    pub(crate) fn csv(self) -> Result<Bytes> {
        self.answer.csv.ok_or(Error::Missing { api: FETCH, element: "csv" })
    }
}

fn definition(base: &BaseQuery) -> String {
    format!("<name>{}</name><ops>{}</ops>", escape(base.table()), base.ops())
}

fn rows(api: &'static str, answer: &Document) -> Result<u64> {
    let rows = required(api, &answer.root, "nrows")?;
    rows.parse().map_err(|_| Error::Missing { api, element: "nrows" })
}

fn columns(api: &'static str, answer: &Document) -> Result<Vec<Column>> {
    heads(api, table(api, answer)?)?.map(|head| column(api, head)).collect()
}

/// The table that an answer tells of.
pub(super) fn table<'a>(api: &'static str, answer: &'a Document) -> Result<&'a Element> {
    answer.root.child("table").ok_or(Error::Missing { api, element: "table" })
}

/// Its columns' headings.
pub(super) fn heads<'a>(
    api: &'static str,
    table: &'a Element,
) -> Result<impl Iterator<Item = &'a Element>> {
    let cols = table.child("cols").ok_or(Error::Missing { api, element: "cols" })?;
    Ok(cols.children.iter().filter(|child| child.name == "th"))
}

/// A column as a heading has it.
pub(super) fn column(api: &'static str, head: &Element) -> Result<Column> {
    let name = head.attribute("name").ok_or(Error::Missing { api, element: "th name" })?;
    let kind = head.attribute("type").unwrap_or_default();
    let format = head.attribute("format").unwrap_or_default();
    Ok(Column::new(name, &head.text, kind, format))
}
