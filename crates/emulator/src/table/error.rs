/// Why something cannot be a table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The path is not names joined by dots.
    #[error(
        "{0:?} is no table's path: names of letters, digits and underscores, joined by dots, none of which begins with a digit"
    )]
    Path(String),
    /// A column's name is not letters, digits and underscores.
    #[error("{0:?} is no column's name: letters, digits and underscores, the first no digit")]
    ColumnName(String),
    /// A column is there twice.
    #[error("there are two columns {0:?}")]
    DuplicateColumn(String),
    /// A column is longer or shorter than the first one.
    #[error("column {column:?} has {values} values where the first has {rows}")]
    Ragged {
        /// The column's name.
        column: String,
        /// How many values it has.
        values: usize,
        /// How many the first column has.
        rows: usize,
    },
    /// More rows than can be numbered in 32 bits.
    #[error("{0} rows are more than fit a table")]
    TooLong(usize),
    /// The CSV cannot be read.
    #[error("the CSV cannot be read")]
    Csv(#[from] csv::Error),
}
