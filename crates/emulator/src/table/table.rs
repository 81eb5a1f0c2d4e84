use super::{Column, TableError};

/// A table the gateway serves, kept column by column.
///
/// ```
/// use sessionpool_emulator::{Column, Table};
///
/// let stations = Table::new(
///     "pub.demo.weather.stations",
///     [Column::integer("id", [Some(3103)]), Column::text("name", ["FLAGSTAFF & CO"])],
/// )?;
/// # Ok::<_, sessionpool_emulator::TableError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    pub(crate) path: String,
    pub(crate) title: String,
    pub(crate) descriptions: Descriptions,
    /// Who saved it; nobody did what was there from the start.
    pub(crate) owner: Option<String>,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: usize,
}

/// What is said about a table, shorter and longer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Descriptions {
    pub(crate) short: String,
    pub(crate) long: String,
}

impl Table {
    /// A table of these columns at `path`, such as `pub.demo.weather.stations`.
    ///
    /// # Errors
    ///
    /// The path is none, a column's name is none or there twice, or the columns
    /// are not of one length.
    pub fn new(path: &str, columns: impl IntoIterator<Item = Column>) -> Result<Self, TableError> {
        if !is_path(path) {
            return Err(TableError::Path(path.to_owned()));
        }
        let columns: Vec<Column> = columns.into_iter().collect();
        let rows = columns.first().map_or(0, Column::len);
        if rows > u32::MAX as usize {
            return Err(TableError::TooLong(rows));
        }
        for (index, column) in columns.iter().enumerate() {
            if !is_name(&column.name) {
                return Err(TableError::ColumnName(column.name.clone()));
            }
            if columns[..index].iter().any(|other| other.name == column.name) {
                return Err(TableError::DuplicateColumn(column.name.clone()));
            }
            if column.len() != rows {
                return Err(TableError::Ragged {
                    column: column.name.clone(),
                    values: column.len(),
                    rows,
                });
            }
        }
        let (path, title) = (path.to_owned(), path.to_owned());
        Ok(Self { path, title, descriptions: Descriptions::default(), owner: None, columns, rows })
    }

    /// The title that `tabinfo` shows. Default: the path.
    #[must_use]
    pub fn title(mut self, title: &str) -> Self {
        title.clone_into(&mut self.title);
        self
    }

    /// What `tabinfo` says about it, in a line and in more. Default: nothing.
    #[must_use]
    pub fn described(mut self, short: &str, long: &str) -> Self {
        self.descriptions = Descriptions { short: short.to_owned(), long: long.to_owned() };
        self
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The columns.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// How many rows there are.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// This one with the other's rows below its own; nothing if their columns differ.
    pub(crate) fn with_rows_of(&self, other: &Self) -> Option<Self> {
        let pairs = || self.columns.iter().zip(&other.columns);
        let fits = self.columns.len() == other.columns.len()
            && pairs().all(|(ours, theirs)| ours.name == theirs.name)
            && self.rows + other.rows <= u32::MAX as usize;
        let columns: Option<Vec<Column>> = pairs().map(|(ours, more)| ours.with(more)).collect();
        let columns = columns.filter(|_| fits)?;
        Some(Self { rows: self.rows + other.rows, columns, ..self.without_columns() })
    }

    fn without_columns(&self) -> Self {
        Self {
            path: self.path.clone(),
            title: self.title.clone(),
            descriptions: self.descriptions.clone(),
            owner: self.owner.clone(),
            columns: Vec::new(),
            rows: 0,
        }
    }

    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

/// Names joined by dots.
pub(crate) fn is_path(path: &str) -> bool {
    path.len() <= 400 && path.split('.').all(is_name)
}

/// Letters, digits and underscores, not beginning with a digit.
pub(crate) fn is_name(name: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    !name.is_empty()
        && name.len() <= 200
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(plain)
}
