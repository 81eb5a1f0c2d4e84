//! `tabinfo`: a table's columns without a query.

use super::Reply;
use crate::choices::Choices;
use crate::platform::Session;
use crate::protocol::{Element, Output, Refusal, Version, escape_heading, rc};
use crate::render;
use crate::table::Descriptions;

pub(super) fn tabinfo(
    session: &Session,
    input: &Element,
    version: Version,
    choices: &Choices,
) -> Result<Reply, Refusal> {
    let table = session.find(input.required("name")?.text())?;
    let mut output = Output::new(version, rc::OK);
    output.element("msg", "OK");
    output.raw("<table name=\"");
    escape_heading(output.bytes(), table.path.as_bytes());
    if let Some(owner) = &table.owner {
        output.raw("\" owner=\"");
        escape_heading(output.bytes(), owner.as_bytes());
    }
    output.raw("\">");
    output.element("title", &table.title);
    let Descriptions { short, long } = &table.descriptions;
    for (name, text) in [("sdesc", short), ("ldesc", long)] {
        if !text.is_empty() {
            output.element(name, text);
        }
    }
    output.element("maxdown", &choices.max_cells.to_string());
    render::described_cols(output.bytes(), table.columns.iter());
    output.raw("<data/></table>");
    Ok(Reply::success(output))
}
