//! A table's rows into a file, through a session borrowed from the pool.

use std::path::Path;

use indicatif::ProgressBar;
use sessionpool::Lease;
use sessionpool::tenten::{BaseQuery, Csv, Query, TentenSession};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

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
    let mut query = Query::from(query).window_size(2_000);
    query.run(&mut session).await?;
    progress.inc_length(query.nrows().unwrap_or(0));

    let mut file = File::create(path).await?;
    let mut csv = query.csv(&mut session, &Csv::new()).await?;
    let mut rows = 0;
    while let Some(lines) = csv.next().await {
        file.write_all(&lines?).await?;
        progress.inc(csv.rows() - rows);
        rows = csv.rows();
    }
    file.flush().await?;
    Ok(Exported { rows, user })
}
