use sessionpool_sql::{MySql, MySqlSession};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlPool, MySqlPoolOptions};

use super::{DEADPOOL, Entry, OURS, SQLX, measure, peers};

pub(in crate::sql) const PEERS: [Entry<MySqlConnectOptions>; 5] = [
    (OURS, measure::<Ours>),
    (SQLX, measure::<Sqlx>),
    ("sqlx_untested", measure::<SqlxUntested>),
    (DEADPOOL, measure::<Deadpool>),
    ("deadpool_ping", measure::<DeadpoolPing>),
];

peers!(MySqlSession, MySql::new, MySqlConnectOptions, MySqlConnection, MySqlPool, MySqlPoolOptions);
