//! Our client, in a process of its own.

use std::io;
use std::process::Command;
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use sessionpool_core::Session;
use sessionpool_tenten::{Query, TentenSession, Value};
use tokio::runtime::Builder;

use super::server::{Server, TABLE, WINDOW, tenten};

/// What a run of it found out.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) rows_a_second: f64,
    /// Time of the CPUs that a row took of this process, in µs.
    pub(crate) cpu: f64,
    /// The most memory that was allocated at one time, in MB.
    pub(crate) peak_mb: f64,
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
///
/// Allocations are counted on this thread, where windows are made room for and dropped;
/// the one that parses them allocates the tree of an answer's head.
pub(crate) fn run(url: &str) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut read_all = None;
    let allocated = allocation_counter::measure(|| read_all = Some(runtime.block_on(read(url))));
    let (rows_a_second, cpu) = read_all.expect("it was run").map_err(io::Error::other)?;
    let figures = Figures { rows_a_second, cpu, peak_mb: allocated.bytes_max as f64 / 1e6 };
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

/// Answers rows a second, and what a row took of the CPUs.
async fn read(url: &str) -> sessionpool_tenten::Result<(f64, f64)> {
    let mut session = tenten(url).connect().await?;
    let (began, cpu_before) = (Instant::now(), cpu());
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
    let (seconds, cpu) = (began.elapsed().as_secs_f64(), cpu() - cpu_before);
    drop(rows);
    TentenSession::close(session).await?;
    std::hint::black_box(values);
    Ok((count as f64 / seconds, cpu / count as f64))
}

/// Microseconds that this process has had of the CPUs.
fn cpu() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec as f64 * 1e6 + now.tv_nsec as f64 / 1e3
}
