//! The tables of settings say what the builder does.

use sessionpool::Pool;
use sessionpool_testkit::Scripted;

const PAGES: [(&str, &str); 4] = [
    ("bb8", include_str!("../src/from-bb8.md")),
    ("deadpool", include_str!("../src/from-deadpool.md")),
    ("sqlx", include_str!("../src/from-sqlx.md")),
    ("SQLAlchemy", include_str!("../src/from-sqlalchemy.md")),
];

/// The rows of the tables with five columns, as `(here, default here)`.
fn settings(page: &str) -> impl Iterator<Item = (&str, &str)> {
    page.lines().filter_map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let ["", _, _, here, default, _, ""] = cells[..] else { return None };
        Some((here.strip_prefix('`')?.strip_suffix('`')?, default))
    })
}

/// `10 min` as the builder prints it: `Some(600s)`, or `600s`.
fn printed(default: &str) -> Vec<String> {
    let (number, unit) = default.split_once(' ').unwrap_or((default, ""));
    let value = match unit {
        "min" => format!("{}s", number.parse::<u32>().expect("minutes") * 60),
        _ => format!("{number}{unit}"),
    };
    match &*value {
        "none" => vec!["None".to_owned()],
        _ => vec![format!("Some({value})"), value],
    }
}

#[test]
fn defaults_are_the_builders() {
    let builder = format!("{:?}", Pool::builder(Scripted::new()));
    for (name, page) in PAGES {
        let mut compared = 0;
        for (setting, default) in settings(page) {
            let Some((_, value)) = builder.split_once(&format!(" {setting}: ")) else { continue };
            let is_it = |printed: &String| value.starts_with(&format!("{printed},"));
            assert!(
                printed(default).iter().any(is_it),
                "{name}: {setting} is not {default}: {value}"
            );
            compared += 1;
        }
        assert!(compared >= 5, "{name}: only {compared} settings were found");
    }
}
