//! The stations: a CSV file that travels with the program.

use serde::Deserialize;

/// `data/LICENSE-airportsdata.txt` says where it is from.
const CSV: &str = include_str!("../data/stations.csv");

/// One line of the file. Columns we have no use for are left out.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Station {
    /// Four letters or digits; no two stations have the same.
    pub id: String,
    /// In the words of its country.
    pub name: String,
    /// Two letters.
    pub country: String,
    /// As the file has it, which is in feet.
    pub elev: f64,
    /// Such as `Europe/Vienna`.
    pub tz: String,
}

/// Reads all stations.
///
/// # Errors
///
/// A line is not a station.
pub fn read() -> csv::Result<Vec<Station>> {
    csv::Reader::from_reader(CSV.as_bytes()).deserialize().collect()
}
