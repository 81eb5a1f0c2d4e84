//! `getdata` and `querydata`: windows of the current query.

use std::sync::Arc;

use super::Reply;
use super::asked::Asked;
use super::query;
use crate::choices::{Choices, CsvHeader};
use crate::platform::Session;
use crate::protocol::{Element, Output, Refusal, Version, rc};
use crate::render::{self, Layout, Slice, Window};
use crate::table::View;

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
) -> Result<Slice, Refusal> {
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
    if asked.rows.moves_cursor() {
        current.cursor = range.end;
    }
    Ok(Slice { view: Arc::clone(result), columns, range, style: asked.style })
}

/// Puts what comes before the rows and after them around them.
fn frame(mut output: Output, rows: Slice, choices: &Choices) -> Window {
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
