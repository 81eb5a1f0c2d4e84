use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// A process, told from every other one there was or will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(crate) host: String,
    /// Which run of the machine; numbers of processes are used again after it.
    pub(crate) boot: String,
    pub(crate) pid: u32,
    /// When it started, in the machine's own ticks; numbers are used again within a run,
    /// too.
    pub(crate) start: u64,
}

impl Process {
    pub(crate) fn this() -> Self {
        let pid = std::process::id();
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self { host, boot: boot(), pid, start: start_of(pid).unwrap_or(0) }
    }

    /// Part of a file's name.
    pub(crate) fn name(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let host: String = self.host.chars().take(60).map(plain).collect();
        let boot: String = self.boot.chars().take(8).map(plain).collect();
        format!("{host}-{boot}-{}-{}", self.pid, self.start)
    }

    /// True if it can be seen to live, from a process on the same run of the machine.
    pub(crate) fn is_running(&self, here: &Self) -> bool {
        self.is_on_this_run(here) && start_of(self.pid) == Some(self.start)
    }

    /// True if its times can be compared with ours.
    pub(crate) fn is_on_this_run(&self, here: &Self) -> bool {
        self.host == here.host && self.boot == here.boot && !self.boot.is_empty()
    }
}

/// Nothing where the system does not say; then no two runs are taken for the same.
fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

/// Field 22 of the process's `stat`, counted behind its name, which may hold anything.
fn start_of(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// The time since the machine was started, sleep included; nobody sets that clock.
pub(crate) fn uptime() -> Duration {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = ClockId::Monotonic;
    let now = clock_gettime(clock);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_running_and_others_are_not() {
        let here = Process::this();
        assert!(here.is_running(&here));
        assert!(!Process { start: here.start + 1, ..here.clone() }.is_running(&here));
        assert!(!Process { boot: "another".to_owned(), ..here.clone() }.is_running(&here));
        assert!(!Process { host: "another".to_owned(), ..here.clone() }.is_running(&here));
    }
}
