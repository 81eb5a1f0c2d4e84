//! `tabinfo`: a table's columns without a query.

use super::Reply;
use crate::choices::Choices;
use crate::platform::Session;
use crate::protocol::{Element, Output, Refusal, Version, escape_heading, rc};
use crate::render;

pub(super) fn tabinfo(
    session: &Session,
    input: &Element,
    version: Version,
    choices: &Choices,
) -> Result<Reply, Refusal> {
    let table = session.catalog.find(input.required("name")?.text())?;
    let mut output = Output::new(version, rc::OK);
    output.element("msg", "OK");
    output.raw("<table name=\"");
    escape_heading(output.bytes(), table.path.as_bytes());
    output.raw("\">");
    output.element("title", &table.title);
    output.element("maxdown", &choices.max_cells.to_string());
    render::cols(output.bytes(), table.columns.iter());
    output.raw("<data/></table>");
    Ok(Reply::success(output))
}
