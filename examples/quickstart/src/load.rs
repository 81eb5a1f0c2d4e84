//! Many tasks, few sessions: each task does its share in units of work.

use std::sync::Arc;

use indicatif::ProgressBar;
use sessionpool::Pool;
use sessionpool::sql::SqliteSession;
use tokio::task::JoinSet;

use crate::stations::Station;

/// Four times as many as there are sessions: they take turns.
pub const TASKS: usize = 16;

/// How many stations are stored together or not at all.
const UNIT: usize = 250;

/// Stores all stations; answers how many.
///
/// # Errors
///
/// The first error of any task. What was committed by then stays.
pub async fn load(pool: &Pool<SqliteSession>, stations: Vec<Station>) -> anyhow::Result<usize> {
    let progress = ProgressBar::new(stations.len() as u64); // silent unless on a terminal
    let stations: Arc<[Station]> = stations.into();
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        tasks.spawn(load_share(pool.clone(), Arc::clone(&stations), task, progress.clone()));
    }
    let mut loaded = 0;
    while let Some(share) = tasks.join_next().await {
        loaded += share??;
    }
    progress.finish_and_clear();
    Ok(loaded)
}

/// One task: every sixteenth unit.
async fn load_share(
    pool: Pool<SqliteSession>,
    stations: Arc<[Station]>,
    task: usize,
    progress: ProgressBar,
) -> anyhow::Result<usize> {
    let mut loaded = 0;
    let mut unit = pool.unit();
    for share in stations.chunks(UNIT).skip(task).step_by(TASKS) {
        for station in share {
            insert(unit.session().await?, station).await?; // the first takes a session and begins
        }
        unit.commit().await?; // the session is back in the pool
        loaded += share.len();
        progress.inc(share.len() as u64);
    }
    unit.close().await?;
    Ok(loaded)
}

/// Stores one station.
///
/// # Errors
///
/// There is one with this `id` already.
pub async fn insert(session: &mut SqliteSession, station: &Station) -> sqlx::Result<()> {
    sqlx::query("insert into station (id, name, country, elev, tz) values (?, ?, ?, ?, ?)")
        .bind(&station.id)
        .bind(&station.name)
        .bind(&station.country)
        .bind(station.elev)
        .bind(&station.tz)
        .execute(session)
        .await?;
    Ok(())
}
