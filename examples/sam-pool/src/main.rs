//! Two tasks write two tables to two files, each with an ID of its own out of a SAM
//! pool: the example of the vendor's documentation, against a gateway on this machine.
//!
//! `cargo run -p sam-pool [FOLDER]`; without one, the files go to a temporary folder.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use sam_pool::{export, gateway};
use sessionpool::Pool;
use sessionpool::tenten::BaseQuery;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let started = Instant::now();
    let temporary = tempfile::tempdir()?; // removed at the end
    let folder =
        std::env::args_os().nth(1).map_or_else(|| temporary.path().to_owned(), PathBuf::from);

    let emulator = gateway::start().await?;
    let tenten = gateway::tenten(&emulator.url())?;
    let stations = BaseQuery::new(gateway::STATIONS, "<sel value=\"(elev&gt;10)\"/>");
    let countries = BaseQuery::new(gateway::COUNTRIES, "<sort col=\"stations\" dir=\"down\"/>");

    let warmed = tenten.warm_pool(&[stations.clone(), countries.clone()]).await?;
    println!("IDs logged in ahead of time, with both queries run: {warmed}");

    let pool = Pool::builder(tenten.clone()).max_size(4).build()?;
    let progress = ProgressBar::new(0); // silent unless on a terminal
    let mut tasks = Vec::new();
    for (query, name) in [(stations, "stations.csv"), (countries, "countries.csv")] {
        let session = pool.acquire().await?; // by value: it goes with the task
        let (progress, path) = (progress.clone(), folder.join(name));
        let task = async move { export::export(session, query, &path, progress).await };
        tasks.push((name, tokio::spawn(task)));
    }
    let mut users = Vec::new();
    for (name, task) in tasks {
        let exported = task.await??;
        progress.suspend(|| println!("{name}: {} rows, by {}", exported.rows, exported.user));
        users.push(exported.user);
    }
    progress.finish_and_clear();
    println!("user IDs used: {}", users.join(", "));

    println!("closed: {}", pool.close(Duration::from_secs(5)).await);
    println!("SAM pool: {}", tenten.settled(Duration::from_secs(5)).await);
    let free = tenten.sam_status().await?.iter().filter(|member| member.free).count();
    println!("IDs free at the gateway: {free}");
    println!("took {:.1?}", started.elapsed());
    Ok(())
}
