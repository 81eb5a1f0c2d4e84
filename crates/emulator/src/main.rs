//! A 1010data gateway to play with, on the loopback interface, with stations, a
//! user `demo` and a pool of eight IDs, all with the password `secret`.
//!
//! `cargo run -p sessionpool-emulator -- --port 8010 --data stations.csv`

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use sessionpool_emulator::{Emulator, Group, Table};

/// A local 1010data gateway to run and test against.
#[derive(Debug, Parser)]
struct Options {
    /// Port on 127.0.0.1; 0 for a free one.
    #[arg(long, default_value_t = 8010)]
    port: u16,
    /// CSV files with a header line, each served as a table of the file's name
    /// under `pub.demo`.
    #[arg(long, value_name = "FILE")]
    data: Vec<PathBuf>,
    /// A made-up table `pub.demo.synthetic` of this many rows.
    #[arg(long, value_name = "ROWS", default_value_t = 0)]
    synthetic: usize,
    /// Its columns.
    #[arg(long, default_value_t = 8)]
    columns: usize,
    /// The password of all users.
    #[arg(long, default_value = "secret")]
    password: String,
    /// IDs of the group `clientx`, which `clientx_owner` owns.
    #[arg(long, default_value_t = 8)]
    ids: usize,
    /// Seconds until an idle session ends.
    #[arg(long, default_value_t = 1800)]
    idle_timeout: u64,
    /// The most cells one reply carries.
    #[arg(long, default_value_t = 5_000_000)]
    max_cells: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut builder = Emulator::builder()
        .port(options.port)
        .user("demo", &options.password)
        .group(Group::new("clientx", "clientx_owner", &options.password).ids(options.ids))
        .choose(|choices| {
            choices.idle_timeout = Duration::from_secs(options.idle_timeout);
            choices.max_cells = options.max_cells;
        });
    for file in &options.data {
        let table = read(file).with_context(|| format!("cannot serve {}", file.display()))?;
        println!(
            "table {}: {} rows, {} columns",
            table.path(),
            table.rows(),
            table.columns().len()
        );
        builder = builder.table(table);
    }
    if options.synthetic > 0 {
        let path = "pub.demo.synthetic";
        println!("table {path}: {} rows, {} columns", options.synthetic, options.columns);
        builder = builder.table(Table::synthetic(path, options.synthetic, options.columns)?);
    }
    let emulator = builder.start().await?;
    println!("user demo; group clientx of {} IDs, owner clientx_owner", options.ids);
    // Who reads that it listens may interrupt it: it listens for that first.
    let announce = async { println!("gateway {}", emulator.url()) };
    let (interrupted, ()) = tokio::join!(biased; tokio::signal::ctrl_c(), announce);
    interrupted?;
    emulator.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

fn read(file: &std::path::Path) -> anyhow::Result<Table> {
    let name = file.file_stem().and_then(|stem| stem.to_str()).context("a file without a name")?;
    let path = format!("pub.demo.{}", name.replace(|c: char| !c.is_ascii_alphanumeric(), "_"));
    Ok(Table::from_csv(&path, std::fs::read(file)?)?)
}
