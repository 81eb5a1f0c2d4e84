use std::io;
use std::path::PathBuf;
use std::process::{Command, Output};

use super::server::{PASSWORD, Server, TABLE, USER, WINDOW};

/// A virtual environment with lxml, beside this program; made when it is missing.
pub(crate) struct Python {
    program: PathBuf,
}

const CLIENT: &str = include_str!("client.py");

impl Python {
    pub(crate) fn install() -> io::Result<Self> {
        let folder = std::env::current_exe()?.with_file_name("python-lxml");
        let program = folder.join("bin/python");
        let this = Self { program };
        if this.run(&["-c", "import lxml.etree"]).is_err() {
            eprintln!("installing lxml into {}", folder.display());
            checked(Command::new("python3").args(["-m", "venv"]).arg(&folder).output()?)?;
            this.run(&["-m", "pip", "install", "--quiet", "lxml"])?;
        }
        Ok(this)
    }

    /// Rows a second, and µs of the CPU for each.
    pub(crate) fn start(&self, server: &Server) -> io::Result<(f64, f64)> {
        let (url, window) = (server.emulator.url(), WINDOW.to_string());
        let output = self.run(&["-c", CLIENT, &url, USER, PASSWORD, TABLE, &window])?;
        let said = String::from_utf8_lossy(&output.stdout);
        let (rows, cpu) = said.trim().split_once(' ').ok_or(io::Error::other("two figures"))?;
        let figure = |text: &str| text.parse::<f64>().map_err(io::Error::other);
        Ok((figure(rows)?, figure(cpu)?))
    }

    fn run(&self, arguments: &[&str]) -> io::Result<Output> {
        checked(Command::new(&self.program).args(arguments).output()?)
    }
}

fn checked(output: Output) -> io::Result<Output> {
    match output.status.success() {
        true => Ok(output),
        false => Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned())),
    }
}
