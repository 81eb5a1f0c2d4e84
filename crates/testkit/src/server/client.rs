use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::time::timeout;

use super::home::bare;

/// How long a statement may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a command-line client, whose standard output is the answer.
pub(super) async fn ask(client: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(client);
    bare(&mut command).args(arguments).stdin(Stdio::null());
    let mut command = tokio::process::Command::from(command);
    let name = client.display();
    let Ok(output) = timeout(PATIENCE, command.kill_on_drop(true).output()).await else {
        panic!("{name} had no answer after {PATIENCE:?}")
    };
    let output = output.unwrap_or_else(|error| panic!("{name} did not start: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} failed: {errors}");
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}
