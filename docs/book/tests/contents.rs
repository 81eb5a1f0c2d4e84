//! The book hangs together.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn book() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The pages there are, without the summary.
fn pages() -> BTreeSet<String> {
    let files = fs::read_dir(book()).unwrap().map(|file| file.unwrap().file_name());
    let names = files.map(|name| name.into_string().unwrap());
    names.filter(|name| name != "SUMMARY.md").collect()
}

/// Where a page's links lead.
fn links(page: &str) -> Vec<String> {
    let text = fs::read_to_string(book().join(page)).unwrap();
    let ends = text.split("](").skip(1);
    ends.map(|rest| rest.split_once(')').unwrap().0.to_owned()).collect()
}

#[test]
fn each_page_is_in_the_summary() {
    assert_eq!(links("SUMMARY.md").into_iter().collect::<BTreeSet<_>>(), pages());
}

#[test]
fn the_code_of_each_page_is_compiled() {
    let compiled = include_str!("../pages.rs");
    for page in pages() {
        let name = page.strip_suffix(".md").unwrap();
        assert!(compiled.contains(&format!("\"{name}\" as")), "{name} is not in pages.rs");
    }
}

#[test]
fn links_lead_somewhere() {
    for page in pages() {
        for link in links(&page).iter().filter(|link| !link.contains("://")) {
            let (target, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if target.is_empty() { &page } else { target };
            let text = fs::read_to_string(book().join(target));
            let text = text.unwrap_or_else(|error| panic!("{page}: {link}: {error}"));
            let mut headings = text.lines().filter_map(|line| line.strip_prefix("## "));
            let is_there = |it: &str| it.to_lowercase().replace(' ', "-") == heading;
            assert!(heading.is_empty() || headings.any(is_there), "{page}: {link}");
        }
    }
}
