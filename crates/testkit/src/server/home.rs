use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::geteuid;
use tempfile::TempDir;

/// `nobody`, and its group.
const NOBODY: u32 = 65_534;

/// A temporary folder that belongs to whom the server runs as.
#[derive(Debug)]
pub(super) struct Home {
    folder: TempDir,
}

impl Home {
    pub(super) fn new() -> io::Result<Self> {
        // Short, since the path of a Unix socket is at most 107 bytes.
        let folder = tempfile::Builder::new().prefix("sessionpool-").tempdir()?;
        if geteuid().is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY))?;
        }
        Ok(Self { folder })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a program to its end as the server's user.
    pub(super) fn run<A: AsRef<OsStr>>(
        &self,
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> io::Result<()> {
        let mut command = Command::new("setpriv");
        command.args(privileges()).arg("--").arg(program).args(arguments);
        let output = bare(&mut command).current_dir(self.path()).stdin(Stdio::null()).output()?;
        if output.status.success() {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "{}: {}\n{}{}",
            program.display(),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        )))
    }
}

/// What `setpriv` is to do about the user; it takes root to need anything.
pub(super) fn privileges() -> Vec<String> {
    if geteuid().is_root() {
        vec![format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"), "--clear-groups".to_owned()]
    } else {
        Vec::new()
    }
}

/// Without what the environment says to servers and their clients.
pub(super) fn bare(command: &mut Command) -> &mut Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("LC_ALL", "C").env("TZ", "UTC")
}
