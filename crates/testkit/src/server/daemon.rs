use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::time::{sleep, timeout};

use super::home::{Home, bare, privileges};
use super::process;

/// Starts the server, says its number, and waits for a word. When there is none, but
/// the end of the pipe, whoever held the other end is gone, and the folder goes, too.
///
/// The server is stopped before its children are looked for, so that it begins no
/// more of them, and so that their numbers stay theirs.
///
/// The kernel keeps the piece of shared memory by which PostgreSQL knows that it runs, and
/// whose number is in its lock file. There are 4,096 such pieces on a machine, and a server
/// that is killed takes its own not along.
const WATCHER: &str = r#"
log=$1 folder=$2; shift 2
"$@" </dev/null >>"$log" 2>&1 &
server=$!
echo "$server"
exec >/dev/null 2>&1
read -r keep
kill -STOP "$server"
children=$(grep -ls "^PPid:[[:space:]]*$server\$" /proc/[0-9]*/status | tr -dc '0-9\n')
kill -KILL $children "$server"
wait "$server"
memory=$(sed -n '7s/.* //p' "$folder/data/postmaster.pid")
[ -z "$memory" ] || ipcrm -m "$memory"
[ -n "$keep" ] || rm -rf -- "$folder"
"#;

/// How long a server may take over its own shutdown.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server that ends with this process, however that ends.
#[derive(Debug)]
pub(super) struct Daemon {
    watcher: Child,
    server: Pid,
    /// Writing in one go, and reading when something went wrong.
    log: PathBuf,
}

impl Daemon {
    pub(super) fn spawn<A: AsRef<OsStr>>(
        home: &Home,
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> io::Result<Self> {
        let log = home.join("log");
        // In a session of its own: an interrupt at the terminal is not for it, and the
        // kernel hangs up on no group with a frozen server in it when this process ends.
        let mut command = Command::new("setsid");
        command.args(["sh", "-c", WATCHER]).arg("watcher").arg(&log).arg(home.path());
        // Should it be the watcher that is killed, the server hears of it from the kernel.
        command.arg("setpriv").args(privileges()).args(["--pdeathsig", "KILL", "--"]);
        command.arg(program).args(arguments);
        let mut watcher = bare(&mut command)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let server = read_pid(&mut watcher)?;
        Ok(Self { watcher, server, log })
    }

    pub(super) const fn pid(&self) -> Pid {
        self.server
    }

    pub(super) fn is_running(&self) -> bool {
        process::is_running(self.server)
    }

    /// The last of what the server wrote.
    pub(super) fn log(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// Asks the server to end, by the signal it knows for that, and waits until it
    /// has.
    pub(super) async fn stop(self, signal: Signal) -> io::Result<()> {
        process::thaw(self.server)?;
        process::send(self.server, signal)?;
        let ended = timeout(PATIENCE, async {
            while self.is_running() {
                sleep(Duration::from_millis(2)).await;
            }
        });
        if ended.await.is_err() {
            return Err(io::Error::other(format!("does not end on {signal:?}\n{}", self.log())));
        }
        self.kill()
    }

    /// Ends the server and all it has begun, as a power cut would, and keeps its
    /// folder.
    pub(super) fn kill(mut self) -> io::Result<()> {
        if let Some(pipe) = &mut self.watcher.stdin {
            pipe.write_all(b"keep\n")?;
        }
        self.watcher.wait().map(drop)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // The end of the pipe is the word to clear up, where none was said before.
        drop(self.watcher.stdin.take());
        let _ = self.watcher.wait();
    }
}

fn read_pid(watcher: &mut Child) -> io::Result<Pid> {
    let mut line = String::new();
    if let Some(pipe) = watcher.stdout.take() {
        BufReader::new(pipe).read_line(&mut line)?;
    }
    line.trim()
        .parse()
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| io::Error::other(format!("the watcher said {line:?}, and no number")))
}
