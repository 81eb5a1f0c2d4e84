use quick_xml::escape::escape;

use super::{Ticket, query};
use crate::client::Client;
use crate::xml::Element;
use crate::{ColumnInfo, Result, TableInfo};

const API: &str = "tabinfo";

/// Asks for what is known of a table without a query.
pub(crate) async fn info(client: &Client, ticket: &Ticket, path: &str) -> Result<TableInfo> {
    let body = format!("<in><name>{}</name></in>", escape(path));
    let answer = client.call(&ticket.call(API).work(body)).await?;
    let table = query::table(API, &answer)?;
    let users = table.child("users").map_or(&[][..], |users| &users.children);
    Ok(TableInfo {
        path: table.attribute("name").unwrap_or(path).to_owned(),
        title: text(table, "title"),
        short_description: text(table, "sdesc"),
        long_description: text(table, "ldesc"),
        owner: table.attribute("owner").map(str::to_owned),
        max_download: text(table, "maxdown").and_then(|most| most.parse().ok()),
        users: users.iter().map(|user| user.text.trim().to_owned()).collect(),
        columns: query::heads(API, table)?.map(column_info).collect::<Result<_>>()?,
    })
}

fn column_info(head: &Element) -> Result<ColumnInfo> {
    let is_set = |flag| head.attribute(flag) == Some("1");
    Ok(ColumnInfo {
        column: query::column(API, head)?,
        description: head.attribute("desc").filter(|text| !text.is_empty()).map(str::to_owned),
        indexed: is_set("index"),
        fixed: is_set("fixed"),
        total: is_set("total"),
    })
}

/// What stands in a child, unless that is nothing.
fn text(table: &Element, name: &str) -> Option<String> {
    table.text_of(name).filter(|text| !text.is_empty()).map(str::to_owned)
}
