use std::env;
use std::io::{BufRead, BufReader, Write, stdout};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sessionpool::{Backend, Pool, Retry, Tx, TxError};
use sessionpool_testkit::conformance::cut;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::ORDERS;
use crate::books::{Books, Outcome};
use crate::plan::{Manner, Move, Moves};
use crate::teller::Teller;

/// Of the thirty-two tasks.
const TASKS: usize = 16;

/// A clerk's process, as the bank sees it.
pub(crate) struct Clerk {
    process: Child,
    listening: Option<JoinHandle<()>>,
    was_killed: bool,
}

impl Clerk {
    pub(crate) fn hire(
        test: &str,
        url: &str,
        number: usize,
        seed: u64,
        time: Duration,
        books: &Arc<Books>,
    ) -> Self {
        let mut process = Command::new(env::current_exe().unwrap())
            .args([test, "--exact", "--ignored", "--nocapture"])
            .env(ORDERS, format!("{number} {seed} {} {url}", time.as_millis()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        let books = Arc::clone(books);
        let listening = thread::spawn(move || {
            said.lines().map_while(Result::ok).for_each(|line| books.note(&line));
        });
        Self { process, listening: Some(listening), was_killed: false }
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.was_killed = true;
    }

    /// Waits until it has gone home, or was killed, and all it said is noted.
    pub(crate) fn wait(&mut self) {
        let status = self.process.wait().unwrap();
        if let Some(listening) = self.listening.take() {
            listening.join().unwrap();
        }
        assert!(status.success() || self.was_killed, "a clerk failed: {status}");
    }
}

impl Drop for Clerk {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) struct Orders {
    number: usize,
    seed: u64,
    time: Duration,
    url: String,
}

/// In a clerk's process, what it was told.
pub(crate) fn orders() -> Option<Orders> {
    let orders = env::var(ORDERS).ok()?;
    let mut words = orders.split(' ');
    let mut next = || words.next().unwrap().to_owned();
    Some(Orders {
        number: next().parse().unwrap(),
        seed: next().parse().unwrap(),
        time: Duration::from_millis(next().parse().unwrap()),
        url: next(),
    })
}

/// A clerk's work: sixteen tasks over eight sessions.
pub(crate) async fn serve<B>(orders: Orders, backend: impl FnOnce(&str) -> B)
where
    B: Backend<Session: Teller>,
{
    let Orders { number, seed, time, url } = orders;
    let builder = Pool::builder(backend(&url)).max_size(8).acquire_timeout(Duration::from_secs(5));
    let pool = builder.build().unwrap();
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (pool, mut moves) = (pool.clone(), Moves::of(seed, number, task));
        tasks.spawn(async move {
            while started.elapsed() < time {
                let next = moves.next_one();
                say(next.id, Outcome::Begun);
                let outcome = make(&pool, &next).await;
                say(next.id, outcome);
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    pool.close(Duration::from_secs(5)).await;
}

/// One line in one go, so that it is there, or not, when the process is killed.
fn say(id: i64, outcome: Outcome) {
    let line = format!("\nbank {} {id}\n", outcome.sign());
    stdout().lock().write_all(line.as_bytes()).unwrap();
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    #[error(transparent)]
    Tx(#[from] TxError),
    #[error("on second thoughts")]
    Regret,
}

async fn make<S: Teller>(pool: &Pool<S>, next: &Move) -> Outcome {
    let work = pool.transaction_with(Retry::on_conflict(3), async |tx| work(tx, next).await);
    let polls = if let Manner::Cut(polls) = next.manner { polls } else { usize::MAX };
    // Longer than any trouble. Whoever gives up knows as little as who was cut off.
    let done = timeout(Duration::from_secs(20), Box::pin(cut(work, polls))).await;
    match done {
        Ok(Some(Ok(()))) => Outcome::Done,
        Ok(Some(Err(Failed::Tx(error)))) if error.is_outcome_unknown() => Outcome::Unknown,
        Ok(Some(Err(_))) => Outcome::NotDone,
        Ok(None) | Err(_) => Outcome::Unknown,
    }
}

async fn work<S: Teller>(tx: &mut Tx<S>, next: &Move) -> Result<(), Failed> {
    tx.take(next).await?;
    if next.detour {
        // Undone, and none of it may be seen.
        let detour = tx.savepoint(async |tx| {
            tx.take(next).await?;
            tx.give(next).await?;
            Err::<(), _>(Failed::Regret)
        });
        match detour.await {
            Err(Failed::Regret) => {}
            other => other?,
        }
    }
    tx.give(next).await?;
    if next.manner == Manner::Regret { Err(Failed::Regret) } else { Ok(()) }
}
