use crate::Column;

/// What the gateway tells of a table without a query:
/// [`TentenSession::table_info`](crate::TentenSession::table_info).
///
/// What it left out is `None`, or empty.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableInfo {
    /// Where it is: `pub.demo.weather.stations`.
    pub path: String,
    /// Its title.
    pub title: Option<String>,
    /// A line about it.
    pub short_description: Option<String>,
    /// More about it.
    pub long_description: Option<String>,
    /// Whose it is.
    pub owner: Option<String>,
    /// The most that may be downloaded of it, as the platform counts that.
    pub max_download: Option<u64>,
    /// Who may see it, where it says so.
    pub users: Vec<String>,
    /// Its columns, in order.
    pub columns: Vec<ColumnInfo>,
}

/// One column of a table, and what only the table knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ColumnInfo {
    /// As a query's result has it.
    pub column: Column,
    /// What it holds, for people.
    pub description: Option<String>,
    /// It has an index.
    pub indexed: bool,
    /// It stays in view where others scroll.
    pub fixed: bool,
    /// It is summed up where it is shown.
    pub total: bool,
}

impl TableInfo {
    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&ColumnInfo> {
        self.columns.iter().find(|info| info.column.name == name)
    }
}
