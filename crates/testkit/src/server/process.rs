use std::fs;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

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

/// Stops the process and those it has begun where they stand, and waits until they do.
pub(super) fn freeze(pid: Pid) -> io::Result<()> {
    // The parent first, so that it begins no more.
    send(pid, Signal::STOP)?;
    await_stop(pid)?;
    let children = children(pid);
    send_each(&children, Signal::STOP)?;
    children.into_iter().try_for_each(await_stop)
}

/// The signal has been sent when [`send`] answers; threads that run may go on a while.
fn await_stop(pid: Pid) -> io::Result<()> {
    let begun = Instant::now();
    while !stands_still(pid) {
        if begun.elapsed() > Duration::from_secs(10) {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it does not stop"));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// True if no thread of the process runs, or it has ended.
fn stands_still(pid: Pid) -> bool {
    let threads = fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero()));
    threads.is_ok_and(|threads| {
        let mut states = threads.filter_map(|thread| stat_in(&thread.ok()?.path()));
        states.all(|stat| matches!(stat.state, b'T' | b't' | b'Z' | b'X'))
    }) || !is_running(pid)
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
    stat_in(Path::new(&format!("/proc/{pid}")))
}

fn stat_in(folder: &Path) -> Option<Stat> {
    let line = fs::read_to_string(folder.join("stat")).ok()?;
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

    #[test]
    fn a_process_that_is_frozen_stands_still() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = Pid::from_child(&child);
        assert!(!stands_still(pid));
        freeze(pid).unwrap();
        assert!(stands_still(pid) && is_running(pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(stands_still(pid));
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
