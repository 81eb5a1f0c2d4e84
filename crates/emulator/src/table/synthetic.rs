use super::{Column, Table, TableError};

impl Table {
    /// A table of `rows` made-up rows and `columns` columns, the same at each run:
    /// for measuring. Columns take turns in kind: `i`, `a`, `f`, `i` with dates,
    /// `a`, `f`, `j`, `i`; one value in a hundred is N/A, and some texts need
    /// escaping.
    ///
    /// # Errors
    ///
    /// The path is none.
    pub fn synthetic(path: &str, rows: usize, columns: usize) -> Result<Self, TableError> {
        let mut random = fastrand::Rng::with_seed(1010);
        Self::new(path, (0..columns).map(|index| column(&mut random, index, rows)))
    }
}

fn column(random: &mut fastrand::Rng, index: usize, rows: usize) -> Column {
    let name = format!("c{index}");
    if index == 0 {
        let numbers = (0..rows).map(|row| i32::try_from(row).ok());
        return Column::integer(&name, numbers).format("type:nocommas;width:9");
    }
    match index % 8 {
        1 | 4 => Column::text(&name, (0..rows).map(|_| text(random))),
        2 | 5 => {
            let price = |random: &mut fastrand::Rng| f64::from(random.i32(0..10_000_000)) / 100.0;
            Column::decimal(&name, (0..rows).map(|_| sometimes(random, price)))
        }
        3 => Column::integer(&name, (0..rows).map(|_| sometimes(random, date)))
            .format("type:date4y;width:10"),
        6 => Column::big(&name, (0..rows).map(|_| sometimes(random, |r| r.i64(0..1 << 44)))),
        _ => {
            Column::integer(&name, (0..rows).map(|_| sometimes(random, |r| r.i32(-9_999..999_999))))
        }
    }
}

/// N/A once in a hundred times.
fn sometimes<T>(
    random: &mut fastrand::Rng,
    make: impl FnOnce(&mut fastrand::Rng) -> T,
) -> Option<T> {
    (random.u8(..100) > 0).then(|| make(random))
}

fn date(random: &mut fastrand::Rng) -> i32 {
    random.i32(1990..2030) * 10_000 + random.i32(1..=12) * 100 + random.i32(1..=28)
}

fn text(random: &mut fastrand::Rng) -> String {
    const WORDS: [&str; 8] =
        ["FLAGSTAFF", "Zürich", "Smith & Sons", "North", "Pier 39", "Quito", "a < b", "Reykjavík"];
    match random.u8(..100) {
        0 => String::new(),
        _ => format!("{} {}", WORDS[random.usize(..8)], random.u16(..1000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Cell;

    #[test]
    fn made_up_tables_are_the_same_each_time_with_all_types_and_some_values_missing() {
        let [one, other] = [0, 0].map(|_| Table::synthetic("t", 1_000, 8).unwrap());
        let kinds: String = one.columns().iter().map(Column::kind).collect();
        assert_eq!(kinds, "iafiafji");
        for (left, right) in one.columns().iter().zip(other.columns()) {
            assert!((0..1_000).all(|row| left.cell(row) == right.cell(row)), "{}", left.name());
        }
        for column in &one.columns()[1..] {
            assert!((0..1_000).any(|row| column.cell(row) == Cell::Na), "{}", column.name());
        }
    }
}
