//! Reading: one task for each region of the world.

use sessionpool::Pool;
use sessionpool::sql::SqliteSession;
use tokio::task::JoinSet;

/// A station's id, name, country, elevation and time zone.
pub type Row = (String, String, String, f64, String);

/// Counts all stations.
///
/// # Errors
///
/// No session was lent, or the statement failed.
pub async fn count(pool: &Pool<SqliteSession>) -> anyhow::Result<i64> {
    let mut lease = pool.acquire().await?;
    let count = sqlx::query_scalar("select count(*) from station").fetch_one(&mut *lease).await?;
    lease.release().await?; // dropping the lease would do, too
    Ok(count)
}

/// Finds the stations with `elev > 10`, the highest of each region first.
///
/// # Errors
///
/// No session was lent, or a statement failed.
pub async fn high(pool: &Pool<SqliteSession>) -> anyhow::Result<Vec<Vec<Row>>> {
    let mut tasks = JoinSet::new();
    for region in regions(pool).await? {
        tasks.spawn(high_in(pool.clone(), region));
    }
    let mut found = Vec::new();
    while let Some(rows) = tasks.join_next().await {
        found.push(rows??);
    }
    found.sort_by_key(|rows| std::cmp::Reverse(rows.len()));
    Ok(found)
}

/// `Europe` and so on.
async fn regions(pool: &Pool<SqliteSession>) -> anyhow::Result<Vec<String>> {
    pool.with(async |lease| {
        let regions = "select distinct substr(tz, 1, instr(tz, '/') - 1) from station";
        Ok(sqlx::query_scalar(regions).fetch_all(&mut **lease).await?)
    })
    .await
}

async fn high_in(pool: Pool<SqliteSession>, region: String) -> anyhow::Result<Vec<Row>> {
    pool.with(async |lease| {
        let rows = sqlx::query_as(
            "select id, name, country, elev, tz from station
             where elev > 10 and tz like ? || '/%' order by elev desc, id",
        );
        Ok(rows.bind(&region).fetch_all(&mut **lease).await?)
    })
    .await
}
