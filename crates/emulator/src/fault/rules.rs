use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::{Fault, Plan};

/// The faults in force, in the order they were given.
#[derive(Debug, Default)]
pub(crate) struct Rules(Mutex<Vec<Arc<Rule>>>);

#[derive(Debug)]
struct Rule {
    fault: Fault,
    state: watch::Sender<RuleState>,
}

#[derive(Clone, Copy, Debug, Default)]
struct RuleState {
    skipped: usize,
    hits: usize,
    lifted: bool,
}

/// A fault that is in force: how often it met a request, and its end.
///
/// Dropping the handle changes nothing.
#[derive(Clone, Debug)]
pub struct FaultHandle(Arc<Rule>);

/// A fault that met a request.
#[derive(Debug)]
pub(crate) struct Hit(Arc<Rule>);

impl Rules {
    pub(crate) fn add(&self, fault: Fault) -> FaultHandle {
        let rule = Arc::new(Rule { fault, state: watch::Sender::default() });
        self.rules().push(Arc::clone(&rule));
        FaultHandle(rule)
    }

    /// The first fault that fits, with one of its times used up.
    pub(crate) fn meet(&self, api: &str, uid: &str, caller: &str) -> Option<Hit> {
        let mut rules = self.rules();
        rules.retain(|rule| !rule.is_over());
        rules.iter().find(|rule| rule.meets(api, uid, caller)).map(|rule| Hit(Arc::clone(rule)))
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Arc<Rule>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rule {
    fn is_over(&self) -> bool {
        let state = self.state.borrow();
        state.lifted || state.hits >= self.fault.times
    }

    fn meets(&self, api: &str, uid: &str, caller: &str) -> bool {
        let fits =
            |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|wanted| wanted == is);
        let fault = &self.fault;
        if !(fits(&fault.api, api) && fits(&fault.uid, uid) && fits(&fault.caller, caller)) {
            return false;
        }
        self.state.send_if_modified(|state| {
            if state.skipped < fault.skip {
                state.skipped += 1;
                return false;
            }
            state.hits += 1;
            true
        })
    }
}

impl FaultHandle {
    /// How many requests it met.
    #[must_use]
    pub fn hits(&self) -> usize {
        self.0.state.borrow().hits
    }

    /// Waits until it met at least this many requests.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn hit(&self, requests: usize) {
        // The sender is in `self`: it cannot be gone.
        let _ = self.0.state.subscribe().wait_for(|state| state.hits >= requests).await;
    }

    /// Ends the fault: it meets no more requests, and those it holds go on.
    pub fn lift(&self) {
        self.0.state.send_modify(|state| state.lifted = true);
    }
}

impl Hit {
    pub(crate) fn plan(&self) -> Plan {
        self.0.fault.plan.clone()
    }

    /// Comes back when the fault is lifted.
    pub(crate) async fn lifted(&self) {
        let _ = self.0.state.subscribe().wait_for(|state| state.lifted).await;
    }
}
