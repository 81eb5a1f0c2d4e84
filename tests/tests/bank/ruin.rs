use std::future::Future;
use std::ops::Deref;

use sessionpool_testkit::server::{MariaDb, Postgres, Service};

use crate::plan::Trouble;

/// A server that can be asked from outside.
pub(crate) trait Ask {
    fn ask(&self, sql: &str) -> impl Future<Output = String>;
}

/// A server that can be troubled.
pub(crate) trait Ruin: Ask + Deref<Target = Service> {
    fn kill_sessions(&self) -> impl Future<Output = usize>;
}

macro_rules! impl_ruin {
    ($server:ty, $ask:ident) => {
        impl Ask for $server {
            async fn ask(&self, sql: &str) -> String {
                self.$ask(sql).await
            }
        }

        impl Ruin for $server {
            async fn kill_sessions(&self) -> usize {
                self.kill_backends().await
            }
        }
    };
}

impl_ruin!(Postgres, psql);
impl_ruin!(MariaDb, sql);

/// True if it is a clerk's turn.
pub(crate) async fn befall<R: Ruin>(server: &R, trouble: Trouble) -> bool {
    match trouble {
        Trouble::KillSessions => drop(server.kill_sessions().await),
        Trouble::StandStill(time) => {
            server.freeze();
            tokio::time::sleep(time).await;
            server.thaw();
        }
        Trouble::Restart => server.restart().await,
        Trouble::Crash => server.crash().await,
        Trouble::KillClerk => return true,
    }
    false
}
