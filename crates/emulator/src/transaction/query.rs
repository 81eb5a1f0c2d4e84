//! `query`: defining the result.

use std::sync::Arc;

use super::Reply;
use crate::macros::Operation;
use crate::platform::{CurrentQuery, Session};
use crate::protocol::{Element, Output, Refusal, Version, rc};
use crate::render;
use crate::table::{Table, View};

pub(super) async fn query(
    session: &Session,
    input: &Element,
    version: Version,
) -> Result<Reply, Refusal> {
    let result = define(session, input).await?;
    let mut output = Output::new(version, rc::OK);
    output.element("msg", "OK");
    output.element("nrows", &result.len().to_string());
    output.raw("<table>");
    render::cols(output.bytes(), result.columns());
    output.raw("</table>");
    Ok(Reply::success(output))
}

/// Runs the query that `input` holds, and makes it the session's current one.
pub(super) async fn define(session: &Session, input: &Element) -> Result<Arc<View>, Refusal> {
    let name = input.required("name")?;
    let operations: Arc<[Operation]> = Operation::read_all(input.required("ops")?)?.into();
    let table = session.find(name.text())?;
    let result = run(&operations, &table).await?;
    session.workspace().query =
        Some(CurrentQuery { table, operations, result: Some(Arc::clone(&result)), cursor: 0 });
    Ok(result)
}

/// Rows are looked at off the async workers.
pub(super) async fn run(
    operations: &Arc<[Operation]>,
    table: &Arc<Table>,
) -> Result<Arc<View>, Refusal> {
    if operations.is_empty() {
        return Ok(Arc::new(View::whole(Arc::clone(table))));
    }
    let (operations, table) = (Arc::clone(operations), Arc::clone(table));
    let ran = tokio::task::spawn_blocking(move || Operation::run_all(&operations, &table)).await;
    let view = ran.map_err(|_| Refusal::fixed(rc::UNCLASSIFIED, "The query failed"))?;
    Ok(Arc::new(view?))
}
