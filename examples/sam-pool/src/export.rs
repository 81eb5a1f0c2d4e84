//! A table's rows into a file, through a session borrowed from the pool.

use std::path::Path;

use indicatif::ProgressBar;
use sessionpool::Lease;
use sessionpool::tenten::{BaseQuery, Query, TentenSession};

/// What an export came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// Rows written.
    pub rows: u64,
    /// The user ID that was logged in for it.
    pub user: String,
}

/// Writes the query's rows to a CSV file.
///
/// # Errors
///
/// The gateway, or the file.
pub async fn export(
    mut session: Lease<TentenSession>,
    query: BaseQuery,
    path: &Path,
    progress: ProgressBar,
) -> anyhow::Result<Exported> {
    let user = session.user().to_owned();
    let mut query = Query::from(query).window_size(5_000);
    query.run(&mut session).await?;
    progress.inc_length(query.nrows().unwrap_or(0));

    let mut file = csv::Writer::from_path(path)?;
    file.write_record(query.columns().iter().map(|column| &column.name))?;
    let mut rows = query.rows(&mut session).await?;
    let mut written = 0;
    while let Some(row) = rows.next().await {
        let row = row?;
        for column in 0..row.columns().len() {
            file.write_field(row.get::<String>(column)?)?;
        }
        file.write_record(None::<&[u8]>)?;
        written += 1;
        progress.inc(1);
    }
    file.flush()?;
    Ok(Exported { rows: written, user })
}
