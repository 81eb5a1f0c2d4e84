//! Stores 17,093 real stations through 16 tasks over a pool of 4 sessions, and
//! looks at what the pool does meanwhile.
//!
//! `cargo run --release -p quickstart [DATABASE]`; without a path, the database
//! goes to a temporary folder.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use quickstart::{database, exhaust, fail, load, query, rest, stations};
use sessionpool::Pool;
use sessionpool::sql::SqliteSession;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let started = Instant::now();
    let folder = tempfile::tempdir()?; // removed at the end
    let path =
        std::env::args_os().nth(1).map_or_else(|| folder.path().join("stations.db"), PathBuf::from);
    let stations = stations::read()?;
    let first = stations[0].clone();

    let pool = database::pool(&path)?;
    stage(&pool, "built");
    database::create(&pool).await?;
    stage(&pool, "table created");

    let loaded = load::load(&pool, stations).await?;
    println!("stations loaded by {} tasks: {loaded}", load::TASKS);
    stage(&pool, "loaded");

    let error = fail::fail(&pool, &first).await?;
    println!("a unit failed on purpose, and left nothing behind: {error}: {}", error.root_cause());
    println!("stations stored: {}", query::count(&pool).await?);
    stage(&pool, "one unit rolled back");

    let high = query::high(&pool).await?;
    println!("stations with elev > 10: {}", high.iter().map(Vec::len).sum::<usize>());
    println!("the highest of each time zone's region (id, name, country, elevation, time zone):");
    for (id, name, country, elev, tz) in high.iter().flat_map(|region| region.first()) {
        println!("{id}\t{name}\t{country}\t{elev}\t{tz}");
    }
    stage(&pool, "queried");

    println!("one session too many, on purpose: {}", exhaust::exhaust(&pool).await?);
    stage(&pool, "all given back");
    rest::rest(&pool).await?;
    stage(&pool, "at rest, the idle sessions ended");
    println!("stations stored: {}", query::count(&pool).await?);

    println!("closed: {}", pool.close(Duration::from_secs(5)).await);
    stage(&pool, "closed");
    println!("took {:.1?}", started.elapsed());
    Ok(())
}

fn stage(pool: &Pool<SqliteSession>, stage: &str) {
    println!("-- {stage}: {}", pool.status());
}
