use std::fs;
use std::io;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

/// Sends `signal` to the process.
pub(super) fn send(pid: Pid, signal: Signal) -> io::Result<()> {
    Ok(kill_process(pid, signal)?)
}

/// True until the process has ended, whether or not its parent knows.
pub(super) fn is_running(pid: Pid) -> bool {
    stat(pid.as_raw_nonzero().get()).is_some_and(|stat| !matches!(stat.state, b'Z' | b'X'))
}

/// The processes this one has begun.
pub(super) fn children(parent: Pid) -> Vec<Pid> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|&pid| stat(pid).is_some_and(|stat| stat.parent == parent.as_raw_nonzero().get()))
        .filter_map(Pid::from_raw)
        .collect()
}

/// Stops the process and those it has begun where they stand.
pub(super) fn freeze(pid: Pid) -> io::Result<()> {
    // The parent first, so that it begins no more.
    send(pid, Signal::STOP)?;
    send_each(&children(pid), Signal::STOP)
}

/// Undoes [`freeze`].
pub(super) fn thaw(pid: Pid) -> io::Result<()> {
    send_each(&children(pid), Signal::CONT)?;
    send(pid, Signal::CONT)
}

/// Sends `signal` to those that have not ended since they were counted.
fn send_each(pids: &[Pid], signal: Signal) -> io::Result<()> {
    pids.iter().try_for_each(|&pid| match kill_process(pid, signal) {
        Err(Errno::SRCH) => Ok(()),
        sent => Ok(sent?),
    })
}

struct Stat {
    state: u8,
    parent: i32,
}

fn stat(pid: i32) -> Option<Stat> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // `pid (name) state parent …`, where the name may hold anything.
    let mut fields = line.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?.bytes().next()?;
    Some(Stat { state, parent: fields.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_is_found_by_its_parent_until_it_has_ended() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = Pid::from_child(&child);
        assert!(children(rustix::process::getpid()).contains(&pid));
        assert!(is_running(pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!is_running(pid));
    }

    /// A server's processes come and go while they are counted.
    #[test]
    fn a_process_that_has_ended_is_in_nobodys_way() {
        let begin = || Command::new("sleep").arg("60").spawn().unwrap();
        let (mut ended, mut running) = (begin(), begin());
        let pids = [Pid::from_child(&ended), Pid::from_child(&running)];
        ended.kill().unwrap();
        ended.wait().unwrap();
        send_each(&pids, Signal::KILL).unwrap();
        running.wait().unwrap();
    }
}
