//! A sqlx database whose connection does nothing, so that sqlx's own pool runs over
//! the same no-op session as the others. Only connecting and pinging are real; no
//! row, value or statement is ever made.

use std::borrow::Cow;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use sqlx_core::arguments::{Arguments, IntoArguments};
use sqlx_core::column::{Column, ColumnIndex};
use sqlx_core::connection::{ConnectOptions, Connection};
use sqlx_core::database::Database;
use sqlx_core::describe::Describe;
use sqlx_core::error::{BoxDynError, Error};
use sqlx_core::executor::{Execute, Executor};
use sqlx_core::row::Row;
use sqlx_core::sql_str::SqlStr;
use sqlx_core::statement::Statement;
use sqlx_core::transaction::{Transaction, TransactionManager};
use sqlx_core::type_info::TypeInfo;
use sqlx_core::value::{Value, ValueRef};

use crate::remote::{NoopSession, Remote};

/// The database that does nothing.
#[derive(Debug)]
pub(crate) struct Noop;

impl Database for Noop {
    type Connection = NoopConn;
    type TransactionManager = NoopTx;
    type Row = Stub;
    type QueryResult = NoopResult;
    type Column = Stub;
    type TypeInfo = Stub;
    type Value = Stub;
    type ValueRef<'r> = Stub;
    type Arguments = NoopArgs;
    type ArgumentBuffer = ();
    type Statement = Stub;
    const NAME: &'static str = "noop";
    const URL_SCHEMES: &'static [&'static str] = &["noop"];
}

/// Where to connect to.
#[derive(Clone, Debug)]
pub(crate) struct NoopOptions(pub(crate) Arc<Remote>);

impl std::str::FromStr for NoopOptions {
    type Err = Error;
    fn from_str(_: &str) -> Result<Self, Error> {
        Err(Error::WorkerCrashed)
    }
}

impl ConnectOptions for NoopOptions {
    type Connection = NoopConn;
    fn from_url(_: &url::Url) -> Result<Self, Error> {
        Err(Error::WorkerCrashed)
    }

    async fn connect(&self) -> Result<NoopConn, Error> {
        Ok(NoopConn { _session: self.0.open().await })
    }

    fn log_statements(self, _: log::LevelFilter) -> Self {
        self
    }

    fn log_slow_statements(self, _: log::LevelFilter, _: std::time::Duration) -> Self {
        self
    }
}

/// The one connection there is: a [`NoopSession`].
#[derive(Debug)]
pub(crate) struct NoopConn {
    _session: NoopSession,
}

impl Connection for NoopConn {
    type Database = Noop;
    type Options = NoopOptions;
    async fn close(self) -> Result<(), Error> {
        Ok(())
    }

    async fn close_hard(self) -> Result<(), Error> {
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn begin(&mut self) -> impl Future<Output = Result<Transaction<'_, Noop>, Error>> + Send + '_ {
        Transaction::begin(self, None)
    }

    fn shrink_buffers(&mut self) {}
    async fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn should_flush(&self) -> bool {
        false
    }
}

/// No transaction is ever begun.
pub(crate) struct NoopTx;

impl TransactionManager for NoopTx {
    type Database = Noop;
    async fn begin(_: &mut NoopConn, _: Option<SqlStr>) -> Result<(), Error> {
        Ok(())
    }

    async fn commit(_: &mut NoopConn) -> Result<(), Error> {
        Ok(())
    }

    async fn rollback(_: &mut NoopConn) -> Result<(), Error> {
        Ok(())
    }

    fn start_rollback(_: &mut NoopConn) {}
    fn get_transaction_depth(_: &NoopConn) -> usize {
        0
    }
}

const NO_STATEMENTS: &str = "the bench sends no statement";

impl<'c> Executor<'c> for &'c mut NoopConn {
    type Database = Noop;
    fn fetch_many<'e, 'q: 'e, E>(
        self,
        _: E,
    ) -> BoxStream<'e, Result<either::Either<NoopResult, Stub>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Noop>,
    {
        unreachable!("{NO_STATEMENTS}")
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, _: E) -> BoxFuture<'e, Result<Option<Stub>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Noop>,
    {
        unreachable!("{NO_STATEMENTS}")
    }

    fn prepare_with<'e>(self, _: SqlStr, _: &'e [Stub]) -> BoxFuture<'e, Result<Stub, Error>>
    where
        'c: 'e,
    {
        unreachable!("{NO_STATEMENTS}")
    }

    fn describe<'e>(self, _: SqlStr) -> BoxFuture<'e, Result<Describe<Noop>, Error>>
    where
        'c: 'e,
    {
        unreachable!("{NO_STATEMENTS}")
    }
}

/// Row, column, type, value and statement in one: none is ever made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stub {}
impl std::fmt::Display for Stub {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {}
    }
}

impl Row for Stub {
    type Database = Noop;
    fn columns(&self) -> &[Self] {
        match *self {}
    }

    fn try_get_raw<I: ColumnIndex<Self>>(&self, _: I) -> Result<Self, Error> {
        match *self {}
    }
}

impl Column for Stub {
    type Database = Noop;
    fn ordinal(&self) -> usize {
        match *self {}
    }

    fn name(&self) -> &str {
        match *self {}
    }

    fn type_info(&self) -> &Self {
        match *self {}
    }
}

impl TypeInfo for Stub {
    fn is_null(&self) -> bool {
        match *self {}
    }

    fn name(&self) -> &str {
        match *self {}
    }
}

impl Value for Stub {
    type Database = Noop;
    fn as_ref(&self) -> Self {
        match *self {}
    }

    fn type_info(&self) -> Cow<'_, Self> {
        match *self {}
    }

    fn is_null(&self) -> bool {
        match *self {}
    }
}

impl<'r> ValueRef<'r> for Stub {
    type Database = Noop;
    fn to_owned(&self) -> Self {
        match *self {}
    }

    fn type_info(&self) -> Cow<'_, Self> {
        match *self {}
    }

    fn is_null(&self) -> bool {
        match *self {}
    }
}

impl Statement for Stub {
    type Database = Noop;
    fn into_sql(self) -> SqlStr {
        match self {}
    }

    fn sql(&self) -> &SqlStr {
        match *self {}
    }

    fn parameters(&self) -> Option<either::Either<&[Self], usize>> {
        match *self {}
    }

    fn columns(&self) -> &[Self] {
        match *self {}
    }
    sqlx_core::impl_statement_query!(NoopArgs);
}

#[derive(Default)]
pub(crate) struct NoopResult;

impl Extend<Self> for NoopResult {
    fn extend<T: IntoIterator<Item = Self>>(&mut self, _: T) {}
}

#[derive(Default)]
pub(crate) struct NoopArgs;

impl Arguments for NoopArgs {
    type Database = Noop;
    fn reserve(&mut self, _: usize, _: usize) {}
    fn add<'t, T>(&mut self, _: T) -> Result<(), BoxDynError>
    where
        T: sqlx_core::encode::Encode<'t, Noop> + sqlx_core::types::Type<Noop>,
    {
        Ok(())
    }

    fn len(&self) -> usize {
        0
    }
}

impl IntoArguments<Noop> for NoopArgs {
    fn into_arguments(self) -> Self {
        self
    }
}
