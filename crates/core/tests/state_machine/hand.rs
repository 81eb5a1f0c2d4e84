//! Futures that are polled by hand.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::trace::{Event, Trace, Who};

/// A future that is polled by hand.
pub(crate) struct Hand<T> {
    pub(crate) who: Who,
    future: Pin<Box<dyn Future<Output = T> + Send>>,
    trace: Trace,
    bell: Arc<Bell>,
}

impl<T> Hand<T> {
    pub(crate) fn new(
        future: impl Future<Output = T> + Send + 'static,
        who: Who,
        trace: &Trace,
    ) -> Self {
        let future = Box::pin(future);
        Self { who, future, trace: trace.clone(), bell: Bell::new(who, trace) }
    }

    pub(crate) fn name(&self) -> u32 {
        let (Who::Waiter(name) | Who::Releaser(name) | Who::Closer(name)) = self.who;
        name
    }

    /// Polls it with the waker of last time, or with another one.
    pub(crate) fn poll(&mut self, moved: bool) -> Poll<T> {
        if moved {
            self.bell = Bell::new(self.who, &self.trace);
        }
        self.bell.silence();
        let waker = Waker::from(Arc::clone(&self.bell));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    pub(crate) fn was_woken(&self) -> bool {
        self.bell.was_rung()
    }
}

/// A waker that notes in the trace that it was used.
#[derive(Debug)]
struct Bell {
    who: Who,
    trace: Trace,
    rung: AtomicBool,
}

impl Bell {
    fn new(who: Who, trace: &Trace) -> Arc<Self> {
        Arc::new(Self { who, trace: trace.clone(), rung: AtomicBool::new(false) })
    }

    fn was_rung(&self) -> bool {
        self.rung.load(Ordering::Relaxed)
    }

    fn silence(&self) {
        self.rung.store(false, Ordering::Relaxed);
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Ordering::Relaxed);
        self.trace.note(Event::Woken(self.who));
    }
}
