use std::future::Future;

use sessionpool_testkit::server::{MariaDb, Postgres};

use crate::plan::Trouble;

/// A server that can be asked from outside.
pub(crate) trait Ask {
    fn ask(&self, sql: &str) -> impl Future<Output = String>;
}

/// A server that can be troubled.
pub(crate) trait Ruin: Ask {
    fn kill_sessions(&self) -> impl Future<Output = usize>;
    fn freeze(&self);
    fn thaw(&self);
    fn restart(&self) -> impl Future<Output = ()>;
    fn crash(&self) -> impl Future<Output = ()>;
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

            fn freeze(&self) {
                self.freeze();
            }

            fn thaw(&self) {
                self.thaw();
            }

            async fn restart(&self) {
                self.restart().await;
            }

            async fn crash(&self) {
                self.crash().await;
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
