//! A manager and the hooks beside it: all that is done to an object, in deadpool's order.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use deadpool::managed::{Hook, HookError, Manager, Metrics, RecycleError};
use sessionpool_core::Fault;

use super::DeadpoolError;

pub(super) struct Keeper<M: Manager> {
    pub(super) manager: Arc<M>,
    pub(super) classify: fn(&M::Error) -> Fault,
    pub(super) post_create: Hooks<M>,
    pub(super) pre_recycle: Hooks<M>,
    pub(super) post_recycle: Hooks<M>,
}

type Hooks<M> = Vec<Arc<Hook<M>>>;

type Done<M> = Result<(), DeadpoolError<<M as Manager>::Error>>;

impl<M: Manager> Keeper<M> {
    pub(super) fn new(manager: M) -> Self {
        Self {
            manager: Arc::new(manager),
            classify: |_| Fault::Other,
            post_create: Vec::new(),
            pre_recycle: Vec::new(),
            post_recycle: Vec::new(),
        }
    }

    /// Lets go of an object.
    ///
    /// This runs in drops, and both steps are other people's code: neither gets to panic,
    /// nor to keep the other from being taken.
    pub(super) fn end(&self, mut object: M::Type) {
        let _ = catch_unwind(AssertUnwindSafe(|| self.manager.detach(&mut object)));
        let _ = catch_unwind(AssertUnwindSafe(|| drop(object)));
    }
}

impl<M: Manager<Error: std::error::Error> + 'static> Keeper<M> {
    pub(super) async fn create(&self) -> Result<M::Type, DeadpoolError<M::Error>> {
        self.manager.create().await.map_err(|source| self.create_failed(source))
    }

    /// Lets the hooks look at a new object.
    pub(super) async fn admit(&self, object: &mut M::Type, metrics: &Metrics) -> Done<M> {
        run(&self.post_create, object, metrics).await.map_err(|error| match error {
            HookError::Backend(source) => self.create_failed(source),
            HookError::Message(message) => DeadpoolError::CreateRefused { message },
        })
    }

    pub(super) async fn recycle(&self, object: &mut M::Type, metrics: &Metrics) -> Done<M> {
        run(&self.pre_recycle, object, metrics).await.map_err(|error| self.hook_failed(error))?;
        self.manager.recycle(object, metrics).await.map_err(|error| match error {
            RecycleError::Backend(source) => self.recycle_failed(source),
            RecycleError::Message(message) => DeadpoolError::RecycleRefused { message },
        })?;
        run(&self.post_recycle, object, metrics).await.map_err(|error| self.hook_failed(error))
    }

    fn create_failed(&self, source: M::Error) -> DeadpoolError<M::Error> {
        DeadpoolError::Create { fault: (self.classify)(&source), source }
    }

    fn recycle_failed(&self, source: M::Error) -> DeadpoolError<M::Error> {
        let fault = (self.classify)(&source);
        let fault = if fault.ends_session() { fault } else { Fault::SessionLost };
        DeadpoolError::Recycle { fault, source }
    }

    fn hook_failed(&self, error: HookError<M::Error>) -> DeadpoolError<M::Error> {
        match error {
            HookError::Backend(source) => self.recycle_failed(source),
            HookError::Message(message) => DeadpoolError::RecycleRefused { message },
        }
    }
}

async fn run<M: Manager>(
    hooks: &[Arc<Hook<M>>],
    object: &mut M::Type,
    metrics: &Metrics,
) -> Result<(), HookError<M::Error>> {
    for hook in hooks {
        match &**hook {
            Hook::Fn(hook) => hook(object, metrics)?,
            Hook::AsyncFn(hook) => hook(object, metrics).await?,
        }
    }
    Ok(())
}

impl<M: Manager> Clone for Keeper<M> {
    fn clone(&self) -> Self {
        Self {
            manager: Arc::clone(&self.manager),
            classify: self.classify,
            post_create: self.post_create.clone(),
            pre_recycle: self.pre_recycle.clone(),
            post_recycle: self.post_recycle.clone(),
        }
    }
}
