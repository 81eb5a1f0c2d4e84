//! What the tests share: a manager with a remote end of its own, and a newtype that may
//! run in deadpool's pool.
#![allow(clippy::unwrap_used, reason = "these are tests")]
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses a part of it")]

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use deadpool::managed::{Manager, Metrics, RecycleResult};
use sessionpool_core::{Backend, EndsByItself, SessionError};
use sessionpool_testkit::{Scripted, ScriptedSession};
use tokio::task::yield_now;

/// The scripted backend, whose sessions nobody misses.
pub struct Ours(pub Scripted);

impl Backend for Ours {
    type Session = ScriptedSession;

    async fn open(&self) -> Result<ScriptedSession, SessionError<Self>> {
        self.0.open().await
    }

    async fn check(&self, session: &mut ScriptedSession) -> Result<(), SessionError<Self>> {
        self.0.check(session).await
    }
}

impl EndsByItself for Ours {}

/// A manager for deadpool. Clones are handles to the same remote end, which keeps a book.
#[derive(Clone, Default)]
pub struct Exchange {
    book: Arc<Mutex<Book>>,
}

#[derive(Default)]
pub struct Book {
    pub created: u64,
    pub live: BTreeSet<u64>,
    pub detached: Vec<u64>,
    /// The metrics each recycling was given, with the call it was for.
    pub recycled: Vec<(u64, Metrics)>,
    /// What creating and recycling do before they succeed.
    pub create: VecDeque<Act>,
    pub recycle: VecDeque<Act>,
    pub detach_panics: bool,
    pub drop_panics: bool,
    /// Ended where there was no runtime.
    pub homeless: usize,
    pub violations: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
pub enum Act {
    Fail,
    Refuse,
    Hang,
    Panic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("line dead")]
    Dead,
    #[error("an answer of somebody else's")]
    WrongAnswer,
}

/// A conversation: requests are answered in order, so that an answer nobody read is in
/// the next one's way.
pub struct Call {
    book: Arc<Mutex<Book>>,
    id: u64,
    answers: VecDeque<u32>,
    pub speed: u32,
    /// The manager has answered for it: it must be detached.
    handed_out: bool,
    /// A recycling of it was dropped half way.
    torn: bool,
}

const USUAL_SPEED: u32 = 9600;

impl Exchange {
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    pub fn on_create(&self, act: Act) {
        self.book().create.push_back(act);
    }

    pub fn on_recycle(&self, act: Act) {
        self.book().recycle.push_back(act);
    }

    pub fn live(&self) -> usize {
        self.book().live.len()
    }

    pub fn detached(&self) -> usize {
        self.book().detached.len()
    }

    pub fn recycled(&self) -> usize {
        self.book().recycled.len()
    }

    /// Checks that every object was detached once and dropped, and no rule broken.
    #[track_caller]
    pub fn assert_all_ended(&self) {
        let book = self.book();
        assert!(book.violations.is_empty(), "{:?}", book.violations);
        assert!(book.live.is_empty(), "still live: {:?}", book.live);
    }
}

impl Manager for Exchange {
    type Type = Call;
    type Error = Trouble;

    async fn create(&self) -> Result<Call, Trouble> {
        let mut call = {
            let mut book = self.book();
            book.created += 1;
            let id = book.created;
            book.live.insert(id);
            Call {
                book: Arc::clone(&self.book),
                id,
                answers: VecDeque::new(),
                speed: USUAL_SPEED,
                handed_out: false,
                torn: false,
            }
        };
        for _ in 0..3 {
            yield_now().await;
        }
        let act = self.book().create.pop_front();
        match act {
            None => {}
            Some(Act::Hang) => std::future::pending().await,
            Some(Act::Panic) => panic!("create panics"),
            Some(Act::Fail | Act::Refuse) => return Err(Trouble::Dead),
        }
        call.handed_out = true;
        Ok(call)
    }

    async fn recycle(&self, call: &mut Call, metrics: &Metrics) -> RecycleResult<Trouble> {
        let act = {
            let mut book = self.book();
            book.recycled.push((call.id, *metrics));
            if call.torn {
                book.violations.push(format!("call {} recycled after half a recycling", call.id));
            }
            book.recycle.pop_front()
        };
        call.torn = true;
        for _ in 0..3 {
            yield_now().await;
        }
        match act {
            None => {}
            Some(Act::Hang) => std::future::pending().await,
            Some(Act::Panic) => panic!("recycle panics"),
            Some(Act::Fail) => return Err(Trouble::Dead.into()),
            Some(Act::Refuse) => {
                return Err(deadpool::managed::RecycleError::message("line noisy"));
            }
        }
        call.answers.clear();
        call.speed = USUAL_SPEED;
        call.torn = false;
        Ok(())
    }

    fn detach(&self, call: &mut Call) {
        let mut book = self.book();
        if book.detached.contains(&call.id) {
            book.violations.push(format!("call {} detached twice", call.id));
        }
        book.detached.push(call.id);
        call.handed_out = false;
        let panics = book.detach_panics;
        drop(book);
        assert!(!panics, "detach panics");
    }
}

impl Call {
    pub const fn id(&self) -> u64 {
        self.id
    }

    pub const fn is_usual(&self) -> bool {
        self.speed == USUAL_SPEED
    }

    /// # Errors
    ///
    /// What came back was the answer to another request.
    pub async fn ask(&mut self, number: u32) -> Result<u32, Trouble> {
        self.answers.push_back(number);
        for _ in 0..3 {
            yield_now().await;
        }
        match self.answers.pop_front() {
            Some(answer) if answer == number => Ok(answer),
            _ => Err(Trouble::WrongAnswer),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut book = self.book.lock().unwrap();
        if self.handed_out {
            book.violations.push(format!("call {} dropped without being detached", self.id));
        }
        if !book.live.remove(&self.id) {
            book.violations.push(format!("call {} dropped twice", self.id));
        }
        if tokio::runtime::Handle::try_current().is_err() {
            book.homeless += 1;
        }
        let panics = book.drop_panics;
        drop(book);
        assert!(!panics || std::thread::panicking(), "drop panics");
    }
}
