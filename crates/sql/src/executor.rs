//! A session as an `sqlx::Executor`.

/// Implements `sqlx::Executor` for `&mut` of a session whose field `talk` is its
/// conversation over `$connection`.
///
/// No generic implementation serves all databases: sqlx implements the trait for
/// `&mut` of each of its connections, and that cannot be asked for in a bound.
macro_rules! impl_executor {
    ($session:ty, $database:ty, $connection:ty) => {
        const _: () = {
            use futures_core::future::BoxFuture;
            use futures_core::stream::BoxStream;
            use futures_util::FutureExt;
            use sqlx::{Database, Either, Error, Execute, Executor, SqlStr};
            use sqlx_core::describe::Describe;

            use crate::call::Call;

            type Row = <$database as Database>::Row;
            type Done = <$database as Database>::QueryResult;
            type Statement = <$database as Database>::Statement;
            type TypeInfo = <$database as Database>::TypeInfo;

            /// Marks the session busy from the first poll of a statement to its end,
            /// and notes what it may leave behind.
            impl<'c> Executor<'c> for &'c mut $session {
                type Database = $database;

                fn fetch_many<'e, 'q: 'e, E>(
                    self,
                    query: E,
                ) -> BoxStream<'e, Result<Either<Done, Row>, Error>>
                where
                    'c: 'e,
                    E: 'q + Execute<'q, $database>,
                {
                    let mut call = Call::new(query);
                    let effect = self.effect_of_call(&mut call);
                    self.talk.rows(effect, |connection| connection.fetch_many(call))
                }

                fn fetch_optional<'e, 'q: 'e, E>(
                    self,
                    query: E,
                ) -> BoxFuture<'e, Result<Option<Row>, Error>>
                where
                    'c: 'e,
                    E: 'q + Execute<'q, $database>,
                {
                    let mut call = Call::new(query);
                    let effect = self.effect_of_call(&mut call);
                    self.talk.watch(effect, |connection| connection.fetch_optional(call)).boxed()
                }

                fn prepare_with<'e>(
                    self,
                    sql: SqlStr,
                    parameters: &'e [TypeInfo],
                ) -> BoxFuture<'e, Result<Statement, Error>>
                where
                    'c: 'e,
                {
                    let effect = self.effect_of_preparing(sql.as_str());
                    let prepare = move |connection: &'e mut $connection| {
                        connection.prepare_with(sql, parameters)
                    };
                    self.talk.watch(effect, prepare).boxed()
                }

                fn describe<'e>(
                    self,
                    sql: SqlStr,
                ) -> BoxFuture<'e, Result<Describe<$database>, Error>>
                where
                    'c: 'e,
                {
                    let effect = self.effect_of_preparing(sql.as_str());
                    self.talk.watch(effect, |connection| connection.describe(sql)).boxed()
                }
            }
        };
    };
}

pub(crate) use impl_executor;
