use sqlx::error::BoxDynError;
use sqlx::{Arguments, Database, Execute, SqlStr};

/// A query whose text was read before it is run.
///
/// sqlx gives the text out only together with the rest.
pub(crate) struct Call<DB: Database> {
    arguments: Option<Result<Option<DB::Arguments>, BoxDynError>>,
    persistent: bool,
    sql: SqlStr,
}

impl<DB: Database> Call<DB> {
    pub(crate) fn new<'q>(mut query: impl Execute<'q, DB>) -> Self {
        let arguments = Some(query.take_arguments());
        Self { arguments, persistent: query.persistent(), sql: query.sql() }
    }

    pub(crate) fn text(&self) -> &str {
        self.sql.as_str()
    }

    /// Has nothing prepared that outlives the statement: without parameters nothing at
    /// all, otherwise under no name. True if there are parameters.
    pub(crate) fn leave_unprepared(&mut self) -> bool {
        self.persistent = false;
        match &self.arguments {
            Some(Ok(Some(arguments))) if arguments.len() > 0 => true,
            Some(Ok(_)) => {
                self.arguments = None;
                false
            }
            Some(Err(_)) | None => false,
        }
    }
}

impl<DB: Database> Execute<'_, DB> for Call<DB> {
    fn sql(self) -> SqlStr {
        self.sql
    }

    /// The drivers look statements up by their text.
    fn statement(&self) -> Option<&DB::Statement> {
        None
    }

    fn take_arguments(&mut self) -> Result<Option<DB::Arguments>, BoxDynError> {
        self.arguments.take().unwrap_or(Ok(None))
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}
