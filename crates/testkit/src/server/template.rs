use std::env;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{FlockOperation, flock};

use super::home::Home;

/// To be raised whenever what a template is made of changes.
const REVISION: u32 = 1;

/// Has a server's data folder in `home`, a copy of what `build` makes in its first
/// run for this user and version.
pub(super) fn copy(
    program: &Path,
    home: &Home,
    build: impl FnOnce(&Home, &Path) -> io::Result<()>,
) -> io::Result<PathBuf> {
    let cache = cache()?;
    let template = cache.join(name(program)?);
    // One builds, the others wait for it.
    let lock = File::create(template.with_extension("lock"))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    if !template.exists() {
        let site = Home::new()?;
        let data = site.join("data");
        build(&site, &data)?;
        // Moved into place in one step: what has the name is whole.
        let raw = template.with_extension("raw");
        remove(&raw)?;
        copy_folder(&data, &raw)?;
        fs::rename(&raw, &template)?;
    }
    drop(lock);
    let data = home.join("data");
    copy_folder(&template, &data)?;
    Ok(data)
}

/// A folder nobody else writes to.
fn cache() -> io::Result<PathBuf> {
    let user = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&env::var_os("HOME")?).join(".cache")))
        .ok_or_else(|| io::Error::other("neither XDG_CACHE_HOME nor HOME is set"))?;
    let cache = user.join("sessionpool-testkit");
    DirBuilder::new().recursive(true).mode(0o700).create(&cache)?;
    Ok(cache)
}

fn name(program: &Path) -> io::Result<String> {
    let output = Command::new(program).arg("--version").output()?;
    let version: String = String::from_utf8_lossy(&output.stdout)
        .split(program.parent().unwrap_or(program).to_string_lossy().as_ref())
        .collect::<String>()
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' })
        .take(100)
        .collect();
    Ok(format!("{}.{REVISION}", version.trim_matches(|letter| letter == '-' || letter == '.')))
}

/// Owners and times included.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    let output =
        Command::new("cp").args(["-a", "--reflink=auto", "--"]).arg(from).arg(to).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
