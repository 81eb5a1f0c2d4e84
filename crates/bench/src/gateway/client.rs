//! Our client, in a process of its own.

use std::fs;
use std::io;
use std::process::Command;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use sessionpool_core::Session;
use sessionpool_tenten::{Query, TentenSession, Value};
use tokio::runtime::Builder;

use super::server::{Server, TABLE, WINDOW, tenten};

/// What a run of it found out.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) rows_a_second: f64,
    pub(crate) peak_mb: Option<f64>,
}

/// Starts this program again as a client.
pub(crate) fn start(server: &Server) -> io::Result<Figures> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.args(["--gateway-client", &server.emulator.url()]).output()?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Reads the whole table, every value of it, and prints the figures.
pub(crate) fn run(url: &str) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let figures = runtime.block_on(read(url)).map_err(io::Error::other)?;
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

async fn read(url: &str) -> sessionpool_tenten::Result<Figures> {
    let mut session = tenten(url).connect().await?;
    let before = megabytes("VmRSS:");
    let began = Instant::now();
    let mut query = Query::new(TABLE, "").window_size(WINDOW);
    let mut rows = query.rows(&mut session).await?;
    let (mut count, mut values) = (0_u64, 0_u64);
    while let Some(row) = rows.next().await {
        let row = row?;
        for column in 0..row.columns().len() {
            values += u64::from(row.cell(column)?.value()? != Value::Na);
        }
        count += 1;
    }
    let seconds = began.elapsed().as_secs_f64();
    drop(rows);
    TentenSession::close(session).await?;
    std::hint::black_box(values);
    let peak_mb = before.zip(megabytes("VmHWM:")).map(|(before, peak)| peak - before);
    Ok(Figures { rows_a_second: count as f64 / seconds, peak_mb })
}

/// A figure of this process's, where the system tells.
fn megabytes(name: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes = line.split_whitespace().next()?.parse::<f64>().ok()?;
    Some(kilobytes * 1024.0 / 1e6)
}
