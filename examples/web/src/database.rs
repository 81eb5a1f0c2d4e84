//! The stations, as SQL both databases understand.

use std::future::Future;

use serde::Serialize;
use sessionpool::Transactional;
use sessionpool::sql::{PgSession, SqliteSession};
use sqlx::FromRow;

#[derive(Debug, FromRow, Serialize)]
pub(crate) struct Station {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) country: String,
    pub(crate) elev: f64,
    pub(crate) instruments: i64,
}

/// A line of the report.
#[derive(Debug, FromRow, Serialize)]
pub(crate) struct Country {
    country: String,
    stations: i64,
    /// How many pairs of its stations lie equally high, to a foot.
    equally_high: i64,
}

type Found<T> = sqlx::Result<Vec<T>>;

/// What the service does with a session, whichever database it is of.
pub(crate) trait Database: Transactional<Error = sqlx::Error> + Sync {
    /// Makes the tables, with ten instruments at each station.
    fn found(
        &mut self,
        stations: &[quickstart::stations::Station],
    ) -> impl Future<Output = sqlx::Result<()>> + Send;
    /// Stations whose country and lower-case name are like that.
    fn search(
        &mut self,
        country: &str,
        name: &str,
        limit: i64,
    ) -> impl Future<Output = Found<Station>> + Send;
    /// The next stations in the order of their names for machines.
    fn page_after(&mut self, id: &str, limit: i64) -> impl Future<Output = Found<Station>> + Send;
    fn station(&mut self, id: &str) -> impl Future<Output = sqlx::Result<Option<Station>>> + Send;
    /// Adds instruments, or takes some; false where that cannot be.
    fn add(
        &mut self,
        id: &str,
        instruments: i64,
    ) -> impl Future<Output = sqlx::Result<bool>> + Send;
    fn notify(&mut self, notice: &str) -> impl Future<Output = sqlx::Result<()>> + Send;
    fn notices(&mut self) -> impl Future<Output = Found<String>> + Send;
    /// Compares each station with each other of its country.
    fn report(&mut self) -> impl Future<Output = Found<Country>> + Send;
}

const COLUMNS: &str = "select id, name, country, elev, instruments from station";

macro_rules! database {
    ($($session:ty),+) => {
        $(impl Database for $session {
            async fn found(&mut self, stations: &[quickstart::stations::Station]) -> sqlx::Result<()> {
                for statement in [
                    "drop table if exists station",
                    "drop table if exists notice",
                    "create table notice (text varchar(200) not null)",
                    "create table station (
                        id varchar(8) primary key, name text not null, country varchar(2) not null,
                        elev double precision not null,
                        instruments bigint not null default 10 check (instruments >= 0))",
                    "create index station_level on station (country, elev)",
                ] {
                    sqlx::query(statement).execute(&mut *self).await?;
                }
                for station in stations {
                    let insert = "insert into station (id, name, country, elev) values ($1, $2, $3, $4)";
                    let insert = sqlx::query(insert).bind(&station.id).bind(&station.name);
                    insert.bind(&station.country).bind(station.elev).execute(&mut *self).await?;
                }
                Ok(())
            }

            async fn search(&mut self, country: &str, name: &str, limit: i64) -> Found<Station> {
                let search = format!(
                    "{COLUMNS} where country like $1 and lower(name) like $2 order by id limit $3"
                );
                let search = sqlx::query_as(sqlx::AssertSqlSafe(search)).bind(country).bind(name);
                search.bind(limit).fetch_all(self).await
            }

            async fn page_after(&mut self, id: &str, limit: i64) -> Found<Station> {
                let page = format!("{COLUMNS} where id > $1 order by id limit $2");
                sqlx::query_as(sqlx::AssertSqlSafe(page)).bind(id).bind(limit).fetch_all(self).await
            }

            async fn station(&mut self, id: &str) -> sqlx::Result<Option<Station>> {
                let select = sqlx::query_as(sqlx::AssertSqlSafe(format!("{COLUMNS} where id = $1")));
                select.bind(id).fetch_optional(self).await
            }

            async fn add(&mut self, id: &str, instruments: i64) -> sqlx::Result<bool> {
                let update = "update station set instruments = instruments + $2
                    where id = $1 and instruments + $2 >= 0";
                let update = sqlx::query(update).bind(id).bind(instruments).execute(self).await?;
                Ok(update.rows_affected() == 1)
            }

            async fn notify(&mut self, notice: &str) -> sqlx::Result<()> {
                let insert = sqlx::query("insert into notice values ($1)").bind(notice);
                insert.execute(self).await.map(drop)
            }

            async fn notices(&mut self) -> Found<String> {
                sqlx::query_scalar("select text from notice").fetch_all(self).await
            }

            async fn report(&mut self) -> Found<Country> {
                let report = "
                    select a.country, count(distinct a.id) as stations, count(*) as equally_high
                    from station a join station b on b.country = a.country
                        and b.elev between a.elev - 1 and a.elev + 1 and b.id > a.id
                    where a.elev <> 0
                    group by a.country order by 3 desc, 1 limit 10";
                sqlx::query_as(report).fetch_all(self).await
            }
        })+
    };
}

database!(PgSession, SqliteSession);
