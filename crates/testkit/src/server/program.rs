use std::cmp::Reverse;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where programs are that only administrators have in their `PATH`.
const FURTHER: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

/// Where Debian has PostgreSQL's own programs, one folder for each version.
const POSTGRESQL: &str = "/usr/lib/postgresql";

/// Finds a program, or says which Debian package has it.
pub(super) fn find(name: &str, package: &str) -> io::Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(FURTHER.map(PathBuf::from))
        .chain(postgresql_folders())
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
        .ok_or_else(|| {
            let missing = format!("{name} is not installed (Debian: apt-get install {package})");
            io::Error::new(io::ErrorKind::NotFound, missing)
        })
}

/// The newest first.
fn postgresql_folders() -> Vec<PathBuf> {
    let Ok(versions) = fs::read_dir(POSTGRESQL) else { return Vec::new() };
    let mut folders: Vec<PathBuf> = versions.filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.sort_by_key(|folder| Reverse(version(folder)));
    folders.into_iter().map(|folder| folder.join("bin")).collect()
}

fn version(folder: &Path) -> u32 {
    folder.file_name().and_then(|name| name.to_str()?.parse().ok()).unwrap_or(0)
}
