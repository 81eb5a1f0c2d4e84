//! The lifecycle contracts, rule by rule, over managers: one of the tests' own, that of
//! `deadpool-sqlite` as published, and one that is a backend of ours.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::error::Error;

use deadpool::managed::{Hook, HookError};
use deadpool_sqlite::{Config, Manager, Runtime, rusqlite};
use sessionpool_core::Fault;
use sessionpool_deadpool::{DeadpoolError, DeadpoolSession, FromDeadpool, IntoDeadpool};
use sessionpool_testkit::conformance::{
    Capabilities, CountsSessions, Harness, RefusesLogins, ResetsState, cut,
};
use sessionpool_testkit::{Act, Scripted, ScriptedError, Verb};
use tempfile::TempDir;

use common::{Exchange, Ours, Trouble};

mod small_manager {
    use super::*;

    /// Its `recycle` puts everything back, which is more than most do.
    #[derive(Default)]
    struct Small(Exchange);

    impl Harness for Small {
        type Backend = FromDeadpool<Exchange>;

        fn capabilities(&self) -> Capabilities {
            Capabilities::none().counts_sessions().refuses_logins().resets_state()
        }

        async fn backend(&self) -> FromDeadpool<Exchange> {
            FromDeadpool::new(self.0.clone())
        }

        async fn ask(
            &self,
            session: &mut DeadpoolSession<Exchange>,
            number: u32,
        ) -> Result<u32, DeadpoolError<Trouble>> {
            session.ask(number).await.map_err(borrowers)
        }

        async fn interrupt(&self, session: &mut DeadpoolSession<Exchange>) {
            assert!(cut(session.ask(1), 1).await.is_none());
        }
    }

    impl CountsSessions for Small {
        async fn live(&self) -> usize {
            self.0.live()
        }
    }

    impl RefusesLogins for Small {
        /// By a hook, when the manager has done its part.
        async fn refusing(&self) -> FromDeadpool<Exchange> {
            FromDeadpool::new(self.0.clone()).post_create(Hook::async_fn(|_, _| {
                Box::pin(async {
                    tokio::task::yield_now().await;
                    Err(HookError::message("not you"))
                })
            }))
        }
    }

    impl ResetsState for Small {
        async fn disturb(&self, session: &mut DeadpoolSession<Exchange>) {
            session.speed = 110;
        }

        async fn undisturbed(&self, session: &mut DeadpoolSession<Exchange>) -> bool {
            session.is_usual()
        }
    }

    impl Drop for Small {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                self.0.assert_all_ended();
            }
        }
    }

    sessionpool_testkit::conformance_suite!(
        Small::default();
        counts_sessions, refuses_logins, resets_state,
    );
}

mod sqlite {
    use super::*;

    /// A database in a file.
    struct Database {
        dir: TempDir,
        rolls_back: bool,
    }

    impl Database {
        /// The manager as it is.
        fn as_published() -> Self {
            Self { dir: tempfile::tempdir().unwrap(), rolls_back: false }
        }

        /// With a hook for what the manager does not do.
        fn with_a_rollback() -> Self {
            Self { rolls_back: true, ..Self::as_published() }
        }

        fn manager(&self, file: &str) -> FromDeadpool<Manager> {
            let config = Config::new(self.dir.path().join(file));
            FromDeadpool::new(Manager::from_config(&config, Runtime::Tokio1))
        }
    }

    /// Calls something on the connection.
    async fn on<T: Send + 'static>(
        session: &DeadpoolSession<Manager>,
        work: impl FnOnce(&mut rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DeadpoolError<rusqlite::Error>> {
        session.interact(work).await.map_err(borrowers)?.map_err(borrowers)
    }

    impl Harness for Database {
        type Backend = FromDeadpool<Manager>;

        fn capabilities(&self) -> Capabilities {
            let all = Capabilities::none().counts_sessions().refuses_logins();
            if self.rolls_back { all.resets_state() } else { all }
        }

        async fn backend(&self) -> FromDeadpool<Manager> {
            let sqlite = rusqlite::Connection::open(self.dir.path().join("test.db")).unwrap();
            sqlite.execute_batch("create table t (row)").unwrap();
            let backend = self.manager("test.db");
            if !self.rolls_back {
                return backend;
            }
            backend.pre_recycle(deadpool_sqlite::Hook::async_fn(|session, _| {
                Box::pin(async {
                    let rolled_back = session.interact(|it| match it.is_autocommit() {
                        true => Ok(()),
                        false => it.execute_batch("ROLLBACK"),
                    });
                    rolled_back
                        .await
                        .map_err(|error| HookError::message(error.to_string()))?
                        .map_err(HookError::Backend)
                })
            }))
        }

        async fn ask(
            &self,
            session: &mut DeadpoolSession<Manager>,
            number: u32,
        ) -> Result<u32, DeadpoolError<rusqlite::Error>> {
            on(session, move |it| it.query_row("select ?", [number], |row| row.get(0))).await
        }

        async fn interrupt(&self, session: &mut DeadpoolSession<Manager>) {
            let (go, gone) = std::sync::mpsc::channel::<()>();
            let request = session.interact(move |it| {
                let _ = gone.recv();
                it.query_row("select 1", [], |row| row.get::<_, u32>(0))
            });
            assert!(cut(request, 1).await.is_none());
            drop(go);
        }
    }

    /// A session's one handle of the file: SQLite closes it with the session.
    impl CountsSessions for Database {
        async fn live(&self) -> usize {
            let handles = std::fs::read_dir("/proc/self/fd").unwrap();
            let names = handles.filter_map(|handle| std::fs::read_link(handle.ok()?.path()).ok());
            names
                .filter(|name| name.starts_with(self.dir.path()))
                .filter(|name| name.extension().is_some_and(|it| it == "db"))
                .count()
        }
    }

    impl RefusesLogins for Database {
        /// A file that SQLite opens, and only then finds to be none of its own.
        async fn refusing(&self) -> FromDeadpool<Manager> {
            std::fs::write(self.dir.path().join("letter.db"), "Dear database, ".repeat(100))
                .unwrap();
            self.manager("letter.db").post_create(deadpool_sqlite::Hook::async_fn(|session, _| {
                Box::pin(async {
                    let read = session.interact(|it| it.execute_batch("select * from t")).await;
                    read.unwrap().map_err(HookError::Backend)
                })
            }))
        }
    }

    impl ResetsState for Database {
        async fn disturb(&self, session: &mut DeadpoolSession<Manager>) {
            on(session, |it| it.execute_batch("begin; insert into t values (1)")).await.unwrap();
        }

        async fn undisturbed(&self, session: &mut DeadpoolSession<Manager>) -> bool {
            on(session, |it| {
                let rows: i64 = it.query_row("select count(*) from t", [], |row| row.get(0))?;
                Ok(it.is_autocommit() && rows == 0)
            })
            .await
            .unwrap()
        }
    }

    #[cfg(target_os = "linux")]
    mod as_published {
        use super::*;

        sessionpool_testkit::conformance_suite!(
            Database::as_published();
            counts_sessions, refuses_logins,
        );
    }

    #[cfg(target_os = "linux")]
    mod with_a_rollback {
        use super::*;

        sessionpool_testkit::conformance_suite!(
            Database::with_a_rollback();
            counts_sessions, refuses_logins, resets_state,
        );
    }
}

/// There and back again.
mod both_ways {
    use super::*;

    struct Both(Scripted);

    impl Both {
        fn giving_way() -> Self {
            let scripted = Scripted::new();
            for verb in [Verb::Open, Verb::Release, Verb::Close, Verb::Write] {
                scripted.always(verb, Act::yields(3));
            }
            Self(scripted)
        }
    }

    type Loop = IntoDeadpool<Ours>;

    impl Harness for Both {
        type Backend = FromDeadpool<Loop>;

        fn capabilities(&self) -> Capabilities {
            Capabilities::none().counts_sessions().refuses_logins().resets_state()
        }

        async fn backend(&self) -> FromDeadpool<Loop> {
            FromDeadpool::new(IntoDeadpool::new(Ours(self.0.clone())))
        }

        async fn ask(
            &self,
            session: &mut DeadpoolSession<Loop>,
            number: u32,
        ) -> Result<u32, DeadpoolError<ScriptedError>> {
            session.write("asked").await.map(|()| number).map_err(borrowers)
        }

        async fn interrupt(&self, session: &mut DeadpoolSession<Loop>) {
            self.0.next(Verb::Write, Act::hang());
            assert!(cut(session.write("interrupted"), 1).await.is_none());
        }
    }

    impl CountsSessions for Both {
        async fn live(&self) -> usize {
            self.0.book().live
        }
    }

    impl RefusesLogins for Both {
        async fn refusing(&self) -> FromDeadpool<Loop> {
            self.0.always(Verb::Open, Act::yields(2).then_fail(Fault::Rejected));
            self.backend().await.classify(|error| error.fault)
        }
    }

    impl ResetsState for Both {
        async fn disturb(&self, session: &mut DeadpoolSession<Loop>) {
            session.set_dirty();
        }

        async fn undisturbed(&self, session: &mut DeadpoolSession<Loop>) -> bool {
            !session.is_dirty()
        }
    }

    sessionpool_testkit::conformance_suite!(
        Both::giving_way();
        counts_sessions, refuses_logins, resets_state,
    );
}

/// A request of the borrower's failed: the suite asks for an error, whatever its kind.
fn borrowers<E: Error + 'static>(error: impl Error) -> DeadpoolError<E> {
    DeadpoolError::RecycleRefused { message: error.to_string().into() }
}
