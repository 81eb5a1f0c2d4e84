//! Session per request for [axum]: what FastAPI's `Depends(get_session)` is to Python,
//! with the moment of the commit made explicit.
//!
//! [`UnitLayer`] gives each request a unit of work, [`Work`] is the extractor for it, and
//! [`Problem`] what becomes of errors. [`LeaseLayer`] and [`Borrowed`] are the same for
//! plain leases.
//!
//! ```
//! # use sessionpool_testkit::{Scripted, ScriptedSession as PgSession};
//! use axum::{Router, http::StatusCode, routing::post};
//! use sessionpool_axum::{Problem, Server, UnitLayer, Work, health};
//! use sessionpool_core::Pool;
//!
//! async fn sign_up(mut work: Work<PgSession>) -> Result<StatusCode, Problem> {
//!     work.session().await?.write("ada").await.map_err(Problem::of::<PgSession>)?;
//!     Ok(StatusCode::CREATED) // committed first; if that fails, the client is told
//! }
//!
//! # async fn serve(backend: Scripted) -> Result<(), Box<dyn std::error::Error>> {
//! let pool = Pool::builder(backend).name("users").build()?;
//! let app = Router::new()
//!     .route("/users", post(sign_up))
//!     .layer(UnitLayer::new(pool.clone()))
//!     .merge(health([pool.clone()]));
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! let stop = std::future::pending(); // tokio::signal::ctrl_c()
//! println!("{}", Server::new(app).pools([pool]).serve(listener, stop).await);
//! # Ok(())
//! # }
//! ```

mod background;
mod borrowed;
mod config;
mod ending;
mod error;
mod health;
mod heard_out;
mod kept;
mod layer;
mod problem;
mod serve;
mod slot;
mod status;
mod work;

pub use background::Background;
pub use borrowed::{Borrowed, LeaseLayer, LeaseService};
pub use ending::Ending;
pub use error::WorkError;
pub use health::health;
pub use layer::{UnitLayer, UnitService};
pub use problem::{Problem, ProblemKind};
pub use serve::{Server, ShutdownReport};
pub use status::status;
pub use work::{Work, WorkSession};
