//! A gateway on this machine, with real stations and a SAM pool of four IDs.

use std::collections::BTreeMap;

use sessionpool::tenten::{LoginType, Tenten};
use sessionpool_emulator::{Column, Emulator, Group, Table};

/// All stations.
pub const STATIONS: &str = "pub.demo.weather.stations";
/// How many there are in each country.
pub const COUNTRIES: &str = "pub.demo.weather.countries";

const OWNER: &str = "sam_pool_01";
const GROUP: &str = "sam_pool";
const PASSWORD: &str = "not a secret here";
const CSV: &str = include_str!("../../quickstart/data/stations.csv");

/// Starts it.
///
/// # Errors
///
/// No port is free.
pub async fn start() -> anyhow::Result<Emulator> {
    let members = ["sam_pool_01", "sam_pool_02", "sam_pool_03", "sam_pool_04"];
    let group = members.iter().fold(Group::new(GROUP, OWNER, PASSWORD), |group, id| group.id(id));
    let stations = Table::from_csv(STATIONS, CSV)?;
    Ok(Emulator::builder().group(group).table(stations).table(countries()?).start().await?)
}

/// How a program would reach a real one, but for `insecure`.
///
/// # Errors
///
/// A setting cannot work.
pub fn tenten(gateway: &str) -> anyhow::Result<Tenten> {
    Ok(Tenten::builder(gateway)
        .insecure() // it is on this machine
        .sam_pool(OWNER, GROUP)
        .password(PASSWORD)
        .login_type(LoginType::Possess)
        .build()?)
}

fn countries() -> anyhow::Result<Table> {
    let mut counts: BTreeMap<String, i32> = BTreeMap::new();
    for record in csv::Reader::from_reader(CSV.as_bytes()).records() {
        *counts.entry(record?[4].to_owned()).or_default() += 1;
    }
    let counted = Column::integer("stations", counts.values().map(|count| Some(*count)));
    Ok(Table::new(COUNTRIES, [Column::text("country", counts.keys()), counted])?)
}
