//! What is printed: JSON lines for programs, tables for people.

use std::io::{self, Write};

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::outcome::{Entry, Summary};
use crate::peers::Name;
use crate::runtime::Flavor;

/// One figure, as a line of JSON.
#[derive(Debug, Serialize)]
struct Line<'a> {
    test: &'a str,
    pool: &'a str,
    runtime: Flavor,
    /// `None` is never.
    value: Option<f64>,
    unit: &'a str,
}

/// Writes the lines of the summaries to judge by.
///
/// # Errors
///
/// `out` cannot be written to.
pub(crate) fn write_lines(out: &mut impl Write, summaries: &[Summary]) -> io::Result<()> {
    for summary in summaries.iter().filter(|summary| summary.leading) {
        for entry in &summary.entries {
            line(summary, entry).write(out)?;
        }
        if summary.test.compared {
            write_ratios(out, summary)?;
        }
    }
    Ok(())
}

/// Writes the line that tells how far apart the CPUs were.
///
/// # Errors
///
/// `out` cannot be written to.
pub(crate) fn write_distance(out: &mut impl Write, distance: f64) -> io::Result<()> {
    let (test, pool) = ("core_distance", "machine");
    Line { test, pool, runtime: Flavor::TwoWorkers, value: Some(distance), unit: "ns" }.write(out)
}

/// Writes the line of a figure that was taken on one thread, outside of the contests.
///
/// # Errors
///
/// `out` cannot be written to.
pub(crate) fn write_figure(
    out: &mut impl Write,
    test: &str,
    pool: &str,
    value: Option<f64>,
    unit: &str,
) -> io::Result<()> {
    write_figure_on(out, Flavor::CurrentThread, test, pool, value, unit)
}

/// [`write_figure`] of something measured on this runtime.
pub(crate) fn write_figure_on(
    out: &mut impl Write,
    runtime: Flavor,
    test: &str,
    pool: &str,
    value: Option<f64>,
    unit: &str,
) -> io::Result<()> {
    Line { test, pool, runtime, value, unit }.write(out)
}

fn write_ratios(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let test = format!("{}_ratio", summary.test.name);
    for entry in summary.entries.iter().filter(|entry| entry.ratio.is_some()) {
        let ratio =
            Line { test: &test, value: entry.ratio, unit: "of deadpool", ..line(summary, entry) };
        ratio.write(out)?;
    }
    Ok(())
}

fn line<'a>(summary: &'a Summary, entry: &'a Entry) -> Line<'a> {
    Line {
        test: summary.test.name,
        pool: entry.pool.as_str(),
        runtime: summary.flavor,
        value: entry.value,
        unit: summary.test.unit,
    }
}

impl Line<'_> {
    fn write(self, out: &mut impl Write) -> io::Result<()> {
        let value = self.value.map(|value| (value * 1e4).round() / 1e4);
        serde_json::to_writer(&mut *out, &Line { value, ..self })?;
        writeln!(out)
    }
}

/// A line for each test, a column for each pool.
pub(crate) fn table(summaries: &[Summary], pools: &[Name]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    let labels = ["test", "unit", "runtime", "rounds"];
    table.set_header(labels.into_iter().chain(pools.iter().map(|pool| pool.as_str())));
    for summary in summaries {
        table.add_row(values(summary, pools));
        if summary.test.compared {
            table.add_row(ratios(summary, pools));
        }
    }
    table.column_iter_mut().skip(labels.len() - 1).for_each(|column| {
        column.set_cell_alignment(CellAlignment::Right);
    });
    table
}

fn values(summary: &Summary, pools: &[Name]) -> Vec<String> {
    let value = |entry: &Entry| entry.value.map_or_else(|| "never".to_owned(), readable);
    let value = |pool: &Name| summary.entry(*pool).map_or_else(String::new, value);
    let labels = [summary.test.name, summary.test.unit, &runtime(summary)].map(str::to_owned);
    let rounds = [summary.rounds.to_string()];
    labels.into_iter().chain(rounds).chain(pools.iter().map(value)).collect()
}

fn ratios(summary: &Summary, pools: &[Name]) -> Vec<String> {
    let ratio = |pool: &Name| {
        summary.entry(*pool).and_then(|entry| entry.ratio).map_or_else(String::new, readable)
    };
    let labels = ["", "of deadpool", "", ""].map(str::to_owned);
    labels.into_iter().chain(pools.iter().map(ratio)).collect()
}

/// With where the CPUs were, and whether the lines of JSON are about this.
fn runtime(summary: &Summary) -> String {
    let place = summary.place.map(|place| format!(" {}", place.name())).unwrap_or_default();
    let aside = if summary.leading { "" } else { ", aside" };
    format!("{}{place}{aside}", summary.flavor.name())
}

/// Three significant digits or so.
fn readable(value: f64) -> String {
    match value.abs() {
        whole if whole.fract() == 0.0 => format!("{value:.0}"),
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        small if small >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: Option<f64>) -> String {
        let mut out = Vec::new();
        let line = Line { test: "t", pool: "bb8", runtime: Flavor::TwoWorkers, value, unit: "ms" };
        line.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_is_one_object() {
        let line = r#"{"test":"t","pool":"bb8","runtime":"mt2","value":1.2346,"unit":"ms"}"#;
        assert_eq!(written(Some(1.234_56)), format!("{line}\n"));
    }

    #[test]
    fn never_is_null() {
        assert!(written(None).contains(r#""value":null"#));
    }

    #[test]
    fn readable_has_three_digits() {
        let values = [0.0, 45.0, 0.123_4, 1.234, 12.34, 123.4].map(readable);
        assert_eq!(values, ["0", "45", "0.123", "1.23", "12.3", "123"]);
    }
}
