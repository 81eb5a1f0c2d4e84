use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// Nothing well known listens above it.
const LOWEST: u16 = 15_000;

/// A loopback port nobody listens at.
///
/// Below those the kernel gives to outgoing connections: otherwise one of them may
/// have taken it while a server restarts.
pub(super) fn free() -> io::Result<u16> {
    let above = ephemeral_from().filter(|&port| port > LOWEST).unwrap_or(u16::MAX);
    let mut refused = None;
    for _ in 0..100 {
        let port = fastrand::u16(LOWEST..above);
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(_) => return Ok(port),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.unwrap_or_else(|| io::Error::other("no port was tried")))
}

fn ephemeral_from() -> Option<u16> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    range.split_ascii_whitespace().next()?.parse().ok()
}
