use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::time::timeout;

use super::home::bare;

/// How long a statement may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a command-line client, whose standard output is the answer. What it has to
/// complain of is the error.
pub(super) async fn ask(client: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(client);
    bare(&mut command).args(arguments).stdin(Stdio::null());
    let mut command = tokio::process::Command::from(command);
    let name = client.display();
    let Ok(output) = timeout(PATIENCE, command.kill_on_drop(true).output()).await else {
        return Err(format!("{name} had no answer after {PATIENCE:?}"));
    };
    let output = output.map_err(|error| format!("{name} did not start: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    Err(format!("{name} failed: {}", String::from_utf8_lossy(&output.stderr)))
}
