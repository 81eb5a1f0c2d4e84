use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, TryFutureExt};
use sqlx::error::BoxDynError;
use sqlx::sqlite::{
    Sqlite, SqliteArguments, SqliteQueryResult, SqliteRow, SqliteStatement, SqliteTypeInfo,
};
use sqlx::{Either, Error, Execute, Executor, SqlStr};
use sqlx_core::describe::Describe;

use super::effect;
use super::error;
use super::session::SqliteSession;
use crate::mark::{Effect, Watched};

/// A query whose text was read before it is run.
///
/// sqlx gives the text out only together with the rest.
struct Call {
    arguments: Option<Result<Option<SqliteArguments>, BoxDynError>>,
    persistent: bool,
    sql: SqlStr,
}

impl Call {
    fn new<'q>(mut query: impl Execute<'q, Sqlite>) -> Self {
        let arguments = Some(query.take_arguments());
        Self { arguments, persistent: query.persistent(), sql: query.sql() }
    }

    fn effect(&self) -> Effect {
        effect::of(self.sql.as_str())
    }
}

impl Execute<'_, Sqlite> for Call {
    fn sql(self) -> SqlStr {
        self.sql
    }

    /// The driver looks statements up by their text.
    fn statement(&self) -> Option<&SqliteStatement> {
        None
    }

    fn take_arguments(&mut self) -> Result<Option<SqliteArguments>, BoxDynError> {
        self.arguments.take().unwrap_or(Ok(None))
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}

/// Marks the session busy from the first poll of a statement to its end, and notes
/// what it may leave behind.
///
/// A statement of a unit whose transaction was rolled back is refused with
/// [`SqliteFailure::RolledBack`](super::SqliteFailure::RolledBack).
impl<'c> Executor<'c> for &'c mut SqliteSession {
    type Database = Sqlite;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<SqliteQueryResult, SqliteRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        let call = Call::new(query);
        let effect = call.effect();
        let unsettled = self.mark.is_busy();
        let SqliteSession { connection, tripwire, mark, .. } = self;
        let rows = async move {
            tripwire.admit(connection, unsettled).await?;
            Ok(connection.fetch_many(call))
        };
        Watched::new(mark, effect, error::fault, rows.try_flatten_stream().boxed()).boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<SqliteRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        let call = Call::new(query);
        async move { self.watch(call.effect(), |c| c.fetch_optional(call)).await }.boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [SqliteTypeInfo],
    ) -> BoxFuture<'e, Result<SqliteStatement, Error>>
    where
        'c: 'e,
    {
        async move { self.watch(effect::of(sql.as_str()), |c| c.prepare_with(sql, parameters)).await }.boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Sqlite>, Error>>
    where
        'c: 'e,
    {
        async move { self.watch(effect::of(sql.as_str()), |c| c.describe(sql)).await }.boxed()
    }
}
