//! `savetable` and `upload`: tables that users make.

use std::sync::Arc;

use super::entry::Entry;
use super::{Call, Reply, query, uploaded};
use crate::gateway::Gateway;
use crate::protocol::{Element, Refusal, Version, rc};
use crate::table::Table;

/// Saves the current query's result.
pub(super) async fn savetable(
    gateway: &Gateway,
    entry: &Entry,
    input: &Element,
    version: Version,
) -> Result<Reply, Refusal> {
    let place = Place::read(input)?;
    let current = entry.session.workspace().current()?;
    let result = match current.result {
        Some(result) => result,
        None => query::run(&current.operations, &current.table).await?,
    };
    let path = place.path.clone();
    let table = aside(move || result.materialized(&path).map_err(|_| not_saved())).await?;
    save(gateway, entry, &place, table)?;
    Ok(Reply::message(version, "OK"))
}

/// Saves a table that came with the request.
pub(super) async fn upload(
    gateway: &Gateway,
    entry: &Entry,
    call: &Call,
) -> Result<Reply, Refusal> {
    let (body, version) = (call.body.clone(), call.version);
    let (place, table) = aside(move || {
        let input = Element::read_upload(&body, version)?;
        let place = Place::read(&input)?;
        let table = uploaded::table(input.required("table")?, &place.path)?;
        Ok((place, table))
    })
    .await?;
    save(gateway, entry, &place, table)?;
    Ok(Reply::message(version, "OK"))
}

/// Where a table goes, and what becomes of one that is there.
#[derive(Debug)]
struct Place {
    path: String,
    mode: Mode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Replace,
    Append,
    NoReplace,
}

impl Place {
    fn read(input: &Element) -> Result<Self, Refusal> {
        let name = input.required("name")?;
        let mode = match name.attribute("mode") {
            Some("replace") => Mode::Replace,
            Some("append") => Mode::Append,
            None | Some("noreplace") => Mode::NoReplace,
            Some(_) => {
                let msg = "Invalid mode of name: replace, append or noreplace";
                return Err(Refusal::fixed(rc::INVALID_VALUE, msg));
            }
        };
        Ok(Self { path: name.text().to_owned(), mode })
    }
}

/// Puts a table in its place, for sessions to come and for this one.
fn save(gateway: &Gateway, entry: &Entry, place: &Place, table: Table) -> Result<(), Refusal> {
    if table.rows == 0 {
        return Err(Refusal::fixed(rc::EMPTY_TABLE, "Empty table"));
    }
    let table = Arc::new(Table { owner: Some(entry.uid.clone()), ..table });
    loop {
        let there = gateway.platform().catalog.place(&place.path)?;
        let new = match (&there, place.mode) {
            (Some(_), Mode::NoReplace) => {
                let msg = format!("Table already exists: {}", place.path);
                return Err(Refusal::new(rc::TABLE_EXISTS, msg));
            }
            (Some(old), Mode::Append) => Arc::new(old.with_rows_of(&table).ok_or(not_saved())?),
            _ => Arc::clone(&table),
        };
        let mut platform = gateway.platform();
        let now = platform.catalog.place(&place.path)?;
        // Somebody else may have saved one meanwhile.
        if now.as_ref().map(Arc::as_ptr) == there.as_ref().map(Arc::as_ptr) {
            Arc::make_mut(&mut platform.catalog).put(Arc::clone(&new));
            drop(platform);
            entry.session.put(new);
            return Ok(());
        }
    }
}

/// Does what takes a while off the async workers.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(not_saved()))
}

const fn not_saved() -> Refusal {
    Refusal::fixed(rc::NOT_SAVED, "Problem saving table")
}
