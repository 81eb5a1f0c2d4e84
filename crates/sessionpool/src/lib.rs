//! Sessions that are never leaked, never lent dirty and never waited for longer
//! than asked.
//!
//! One dependency for all of it: the pool, its leases and units of work at the
//! root, the backends behind a feature each.
//!
//! | feature | module | backend |
//! |---|---|---|
//! | `mysql` | [`sql`] | MySQL and MariaDB |
//! | `postgres` | [`sql`] | PostgreSQL |
//! | `sqlite` | [`sql`] | SQLite files, and named databases in memory |
//! | `tenten` | [`tenten`] | the 1010data gateway: single users and SAM pools |
//!
//! The feature `tls` adds TLS to the SQL servers among them, `tracing` logs and spans,
//! `metrics` measures, and `axum` the module [`axum`]: a session for each request of a web
//! application.
#![cfg_attr(
    not(all(feature = "axum", feature = "sqlite", feature = "tenten")),
    allow(rustdoc::broken_intra_doc_links, reason = "it is off")
)]

#[doc(inline)]
pub use sessionpool_core::*;

#[cfg(feature = "axum")]
pub mod axum {
    //! Session per request for axum.

    #[doc(inline)]
    pub use sessionpool_axum::*;
}

#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
pub mod sql {
    //! SQL databases, over raw sqlx connections.

    #[doc(inline)]
    pub use sessionpool_sql::*;
}

#[cfg(feature = "tenten")]
pub mod tenten {
    //! The 1010data gateway: sessions, SAM pools, queries.

    #[doc(inline)]
    pub use sessionpool_tenten::*;
}

/// The README's example compiles and runs.
#[cfg(all(doctest, feature = "axum", feature = "sqlite", feature = "tracing"))]
#[doc = include_str!("../../../README.md")]
struct Readme;
